// LoadReport: what a server says of its own load with an answer, after ORCA, the Open Request Cost
// Aggregation of CNCF xDS (orca_load_report.proto). reports/orca.h reads it.
#ifndef LEASTWISE_LOAD_REPORT_H_
#define LEASTWISE_LOAD_REPORT_H_

#include <cstdint>

namespace leastwise {

struct LoadReport {
  static constexpr float kUnknown = -1;

  enum class State : std::uint8_t {
    kNone,     // the answer had none
    kGood,     // the figures below; those it did not have are kUnknown
    kRefused,  // it had one that can not be meant
  };
  State state = State::kNone;

  float cpu = kUnknown;          // cpu_utilization: 0…, 1 = all it has; may be more
  float memory = kUnknown;       // mem_utilization: 0…1
  float utilisation = kUnknown;  // the figure that Config::report names: 0…, 1 = full

  // Of those that are scraped alone: requests there, from all who send some.
  float waiting = kUnknown;
  float running = kUnknown;
};

}  // namespace leastwise

#endif  // LEASTWISE_LOAD_REPORT_H_
