// Switchback: whether `adaptive` does worse than least_conn would do in its place.
//
// A model can be wrong about a pool that it was not made for, and then it does harm without
// noticing. So in one second of ten, drawn at random, least_conn chooses for the whole pool, and
// the answer times of both kinds of seconds are compared, by the logarithm of each second's mean:
// one very bad second then is no excuse for all others (a switchback experiment: Bojinov,
// Simchi-Levi, Zhao 2023, "Design and Analysis of Switchback Experiments"; the same pool by
// turns, since two halves of it at once would disturb each other). When adaptive is worse by more
// than 5 % and by three standard errors, least_conn has the pool for a minute, and twice as long
// each time that this is found again.
//
// Lives in shared memory and is written by the holder of the tick only; what the status reads
// meanwhile, typical(), is read and written word by word. All-zero memory is a fresh start;
// whatever it holds, it can do no more than let least_conn choose.
#ifndef LEASTWISE_SRC_MODEL_SWITCHBACK_H_
#define LEASTWISE_SRC_MODEL_SWITCHBACK_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "leastwise/pool.h"

namespace leastwise {

class Switchback {
 public:
  // Of the pool since it began.
  struct Totals {
    std::uint64_t answers = 0, failures = 0, micros = 0;
  };
  // The answers of one second, by who chose: of late, newer ones counting more.
  struct Arm {
    double seconds = 0;  // how many there were
    double mean = 0;     // of the logarithms of their mean answer times
    double squares = 0;  // sum of the squares of the distances from it

    void add(double x) noexcept;
    void fade() noexcept;
    void clear() noexcept;
    double typical() const noexcept;  // answer time, in seconds; 0 = not known
    double variance_of_mean() const noexcept;
  };

  static constexpr std::int64_t kSecondMs = 1000;
  static constexpr std::int64_t kSettleMs = 200;      // of each second, that count for neither
  static constexpr std::uint32_t kCycle = 10;         // seconds, of which one is the control's
  static constexpr double kLeastSeconds = 5;          // of each, before anything is concluded
  static constexpr std::uint64_t kLeastAnswers = 20;  // for a second to count
  static constexpr double kWorse = 1.05;
  static constexpr double kErrors = 3;
  static constexpr double kFailureTimes = 10;  // so many mean answers a failure counts as
  static constexpr std::int64_t kFallbackMs = 60'000;
  static constexpr std::uint32_t kMostDoublings = 6;  // an hour and four minutes

  // Called with each tick. `totals` gives the Totals of now; it is called twice a second.
  template <typename Sum>
  void advance(std::int64_t now_ms, Sum totals) noexcept {
    switch (step_at(now_ms)) {
      case Step::kNothing:
        return;
      case Step::kBegin:
        from_ = totals();
        is_measuring_ = 1;
        return;
      case Step::kEnd:
        end(totals(), now_ms);
    }
  }

  void clear() noexcept;

  Chooser chooser() const noexcept { return chooser_; }
  const Arm& adaptive() const noexcept { return arms_[0]; }
  const Arm& control() const noexcept { return arms_[1]; }

 private:
  enum class Step { kNothing, kBegin, kEnd };

  Step step_at(std::int64_t now_ms) noexcept;
  void end(const Totals& to, std::int64_t now_ms) noexcept;
  void learn(const Totals& to, Arm& arm, Arm& other) noexcept;
  void start_second(std::int64_t now_ms) noexcept;
  void fall_back(std::int64_t now_ms) noexcept;
  bool is_worse() const noexcept;
  bool is_known_good() const noexcept;
  bool is_sane() const noexcept;

  Chooser chooser_;
  std::uint32_t is_measuring_;
  std::uint32_t second_;     // number of this second
  std::uint32_t fallbacks_;  // in a row
  std::int64_t since_ms_;    // start of the second, or of the fallback
  Totals from_;
  std::array<Arm, 2> arms_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_SWITCHBACK_H_
