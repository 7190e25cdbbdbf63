// Gates: limits of what a policy may take, as ratios to the reference, read from a file:
//   [{"scenario": "n3-0.7", "mean": 0.81, "p99": 0.71, "p999": 0.54, "errors": 0.01,
//     "remote": 0.1, "least_share": 0.85, "most_share": 1.15, "start_peak": 2, "return_peak": 2,
//     "seeds": 8, "policy": "least_conn+outlier=on", "against": "least_conn", "quick": true}, …]
// A limit that is left out is not looked at.
#ifndef LEASTWISE_TESTS_SIM_GATES_H_
#define LEASTWISE_TESTS_SIM_GATES_H_

#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

namespace leastwise::sim {

struct Gate {
  static constexpr double kNone = std::numeric_limits<double>::infinity();
  static constexpr std::uint32_t kSeeds = 2;

  std::string scenario;
  std::string policy;   // empty: the one that is asked for
  std::string against;  // what ratios are to
  double mean = kNone, p99 = kNone, p999 = kNone;
  double errors = kNone;  // share of the requests
  double remote = kNone;  // share of the picks that left the locality
  // Of the picks in windows of ten seconds, as a multiple of an equal share.
  double least_share = 0, most_share = kNone;
  // The most that a server had right after it came up, as a multiple of its fair part.
  double start_peak = kNone, return_peak = kNone;
  std::uint32_t seeds = kSeeds;  // more, where two are luck
  bool quick = false;            // part of the quick suite
};

// Throws std::invalid_argument.
std::vector<Gate> gates_from_file(const std::string& path);

// Measures `policy`, where a gate names no other, at each gate with seeds 1 and 2 or as many as the
// gate says, and prints a line each. Returns how many do not hold.
std::uint32_t check_gates(const std::vector<Gate>& gates, const std::string& policy,
                          std::ostream& out);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_GATES_H_
