// History: what HAProxy's statistics say of one server, reading by reading.
//
// HAProxy tells whole milliseconds, averaged over the last 512 requests: too coarse for a single
// reading, too slow when something changes. Two readings and the number of requests in between give
// the mean of those requests, with an error that is known: rounding, and chance. The average is
// corrected by that as far as it goes beyond its error; what is stuck and ends nothing shows by how
// many sessions there are at once beyond the usual. Pure; time comes from outside.
#ifndef LEASTWISE_SPOE_AGENT_STEER_HISTORY_H_
#define LEASTWISE_SPOE_AGENT_STEER_HISTORY_H_

#include <array>
#include <cstddef>

#include "haproxy/runtime_api.h"
#include "leastwise/clock.h"

namespace leastwise::agent {

class History {
 public:
  // Readings come about each half second: half a minute.
  static constexpr std::size_t kReadings = 64;
  // How long a request counts as evidence.
  static constexpr Duration kMemory = std::chrono::seconds(20);

  void add(const ServerFigures& figures, TimePoint now);

  // HAProxy counts anew; what was learned fades as when nothing is heard.
  void restart() noexcept { size_ = 0; }

  double answer_ms() const noexcept { return answer_ms_; }  // 0: unknown
  double evidence() const noexcept { return evidence_; }    // requests, old ones count less
  // Of the last four seconds, 0…1.
  double failure_share() const noexcept;

 private:
  struct Reading {
    TimePoint at{};
    ServerFigures figures;
  };

  const Reading& ago(std::size_t readings) const noexcept {
    return readings_[(newest_ + kReadings - readings) % kReadings];
  }
  double mean_answer() const noexcept;
  double correction(const Reading& then) const noexcept;
  double stuck_for_ms() const noexcept;

  std::array<Reading, kReadings> readings_{};
  std::size_t newest_ = 0, size_ = 0;
  double answer_ms_ = 0, evidence_ = 0;
  double usual_sessions_ = 0;  // at once
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_STEER_HISTORY_H_
