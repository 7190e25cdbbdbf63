// Which paths are asked for, and in what proportion.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_MIX_H_
#define LEASTWISE_TESTS_BENCH_LOAD_MIX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leastwise::bench {

class Mix {
 public:
  // "/fast:80,/slow:20": the last ":" of each part separates its weight. Throws UsageError.
  static Mix parse(std::string_view text);
  static Mix of_one(std::string path);

  // The path that lies at `u` in [0, 1).
  std::uint32_t choose(double u) const noexcept;

  const std::vector<std::string>& paths() const noexcept { return paths_; }

 private:
  std::vector<std::string> paths_;
  std::vector<double> up_to_;  // running sum of the weights
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_MIX_H_
