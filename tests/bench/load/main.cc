#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/common/poller.h"
#include "bench/common/usage_error.h"
#include "bench/load/options.h"
#include "bench/load/report.h"
#include "bench/load/run.h"

namespace leastwise::bench {
namespace {

constexpr int kRefused = 2;
constexpr int kTooLate = 3;

int run(const Options& options) {
  prepare_process();
  const RunResult result = run_load(options);
  if (options.prints_json) {
    std::cout << report_json(options, result).dump() << "\n";
  } else {
    std::cout << report_table(options, result);
  }
  if (!is_too_late(options, result)) return 0;
  std::cerr << "leastwise-load: sent too late to be believed, see --max-lag\n";
  return kTooLate;
}

}  // namespace
}  // namespace leastwise::bench

int main(int argc, char** argv) {
  try {
    const auto options = leastwise::bench::parse_options(argc, argv);
    return options ? leastwise::bench::run(*options) : 0;
  } catch (const leastwise::bench::UsageError& error) {
    std::cerr << "leastwise-load: " << error.what() << "\n";
    return leastwise::bench::kRefused;
  } catch (const std::exception& error) {
    std::cerr << "leastwise-load: " << error.what() << "\n";
    return 1;
  }
}
