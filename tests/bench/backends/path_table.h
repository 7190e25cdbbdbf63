// Mean service time by path: the longest prefix wins.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_PATH_TABLE_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_PATH_TABLE_H_

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/common/time.h"

namespace leastwise::bench {

class PathTable {
 public:
  void add(std::string prefix, Duration mean) {
    const auto is_shorter = [&](const auto& entry) { return entry.first.size() < prefix.size(); };
    const auto place = std::find_if(entries_.begin(), entries_.end(), is_shorter);
    entries_.insert(place, {std::move(prefix), mean});
  }

  // Nothing where no prefix fits.
  std::optional<Duration> mean_of(std::string_view path) const noexcept {
    for (const auto& [prefix, mean] : entries_) {
      if (path.starts_with(prefix)) return mean;
    }
    return std::nullopt;
  }

 private:
  std::vector<std::pair<std::string, Duration>> entries_;  // longest first
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_PATH_TABLE_H_
