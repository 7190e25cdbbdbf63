// LearningWatch: notices when picks teach nothing, and says why, and what to do.
//
// A balancer whose log lines do not come goes on by what it counts itself, and looks healthy. So
// each way in which learning fails has its sign in the counters; over windows of at least
// kLeastPicks picks it is judged, and said once when it begins and once when it is over. Pure but
// for the log.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_LEARNING_WATCH_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_LEARNING_WATCH_H_

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "leastwise/clock.h"
#include "serve/counters.h"

namespace leastwise::agent {

class LearningWatch {
 public:
  static constexpr Duration kWindow = std::chrono::seconds(5);
  static constexpr std::uint64_t kLeastPicks = 50;

  LearningWatch(const PickCounters& picks, const FeedbackCounters& feedback) noexcept
      : picks_(picks), feedback_(feedback) {}

  // Now and then, by the learning thread.
  void look(TimePoint now);

  struct Warning {
    std::string name;  // a word: no_lines, …
    std::string text;
  };
  std::vector<Warning> warnings() const;  // what is wrong now; by any thread

  // The words that warnings may have, in one order.
  static constexpr const char* kNotSteered = "not_steered";  // said by WeightsMode
  static constexpr std::array<const char*, 7> kNames = {
      "no_lines",        "lost_lines",  "repeated_ids", "no_ids",
      "unknown_backend", "not_decided", kNotSteered};

 private:
  struct Totals {
    std::uint64_t asked = 0, picked = 0, untracked = 0, unknown_backend = 0;
    std::uint64_t lines = 0, foreign = 0, garbled = 0, unknown = 0, by_log = 0, expired = 0;
    std::uint64_t late = 0, duplicates = 0, as_picked = 0, elsewhere = 0, lost = 0;
  };
  Totals totals() const noexcept;
  static Totals difference(const Totals& now, const Totals& then) noexcept;
  static std::string why_lines_miss(const Totals& window, std::uint64_t missing);
  static std::vector<Warning> judge(const Totals& window);
  void replace(std::vector<Warning> next);

  const PickCounters& picks_;
  const FeedbackCounters& feedback_;
  Totals begin_;
  TimePoint next_{};
  mutable std::mutex mutex_;  // never taken by the pick thread
  std::vector<Warning> warnings_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_LEARNING_WATCH_H_
