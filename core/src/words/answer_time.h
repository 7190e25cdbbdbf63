// AnswerTime: the peak-sensitive average of an endpoint's answer time, for the policies
// that say so in Policy::keeps_answer_time.
//
// As in Finagle, an answer slower than the average replaces it at once, and a faster one
// moves it by what the time since the last answer is worth: a stall is seen with its first
// answer, a recovery is believed after some decay times. Unlike Finagle's, what is not
// measured tends to the pool's mean, never to zero: a server that hangs would look faster
// the longer it is silent, and draw every request of a policy that looks at all servers.
// (It is tried again when noise or load lifts the others' averages above the mean.)
// For the same reason one that is unknown counts as the mean, and its average starts there.
//
// Pure functions over a word (packed.h, answer_time). Seconds.
#ifndef LEASTWISE_SRC_WORDS_ANSWER_TIME_H_
#define LEASTWISE_SRC_WORDS_ANSWER_TIME_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "words/packed.h"
#include "words/plan.h"

namespace leastwise {

// Past so many decay times a word is as good as unknown.
inline constexpr float kAnswerTimeAges = 16;

// What the mean request takes on the mean server, waiting included; 0 = not yet known.
inline float mean_answer_time(const Plan& plan) noexcept {
  return plan.slowness.get() * plan.mean_predicted.get();
}

// e^-x for x in [0, 16], by linear interpolation, to 5e-4: a full scan needs one for each
// server. Zero above, one below.
class Fade {
 public:
  static float of(float x) noexcept {
    if (!(x > 0)) return 1;
    if (x >= kAnswerTimeAges) return 0;
    const float at = x * kPerUnit;
    const auto i = static_cast<std::uint32_t>(at);
    return kTable[i] + (at - static_cast<float>(i)) * (kTable[i + 1] - kTable[i]);
  }

 private:
  static constexpr float kPerUnit = 16;
  static constexpr auto kTable = [] {
    constexpr double kStep = 0.93941306281347578612;  // e^(-1/16)
    std::array<float, 257> table{};
    double left = 1;
    for (float& entry : table) {
      entry = static_cast<float>(left);
      left *= kStep;
    }
    return table;
  }();
};

// Seconds since the word's stamp; 0 when that lies ahead.
inline float age_seconds(const AnswerTime& t, std::int64_t now_ms) noexcept {
  const auto ms = static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ms) - t.ms);
  return ms > 0 ? static_cast<float>(ms) * 1e-3F : 0;
}

// The word after an answer that took so many seconds.
inline std::uint64_t with_answer(std::uint64_t word, float took, float tau, float mean,
                                 std::int64_t now_ms) noexcept {
  const AnswerTime old = answer_time::unpack(word);
  float average = std::max(took, mean);
  if (old.seconds > 0 && took < old.seconds) {
    const float left = std::exp(-age_seconds(old, now_ms) / tau);
    average = old.seconds * left + took * (1 - left);
  } else if (old.seconds > 0) {
    average = took;
  }
  return answer_time::pack({average, static_cast<std::uint32_t>(now_ms)});
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_ANSWER_TIME_H_
