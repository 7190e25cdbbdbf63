// Toll: how long requests wait at one endpoint for those of other balancers, by its answers. See
// guard/toll.h.
#ifndef LEASTWISE_SRC_MODEL_TOLL_H_
#define LEASTWISE_SRC_MODEL_TOLL_H_

#include <algorithm>

namespace leastwise {

// What counts of an answer is how many times its prediction it took. The holder of the tick alone
// reads and writes this.
struct Toll {
  float answers = 0;  // of late; 0 = nothing is known
  float times = 0;    // the sum of theirs
  float low = 0;      // two of five take no longer than this,
  float least = 0;    // and the least that it was, which is slowly forgotten
  float seconds = 0;  // the toll: 0 where others are not counted

  bool is_known() const noexcept { return answers > kFew && times > 0 && low > 0 && least > 0; }
  float mean() const noexcept { return times / answers; }

  // Of a good answer.
  void add(float took, float predicted) noexcept {
    if (!(took > 0 && predicted > 0)) return;
    const float x = std::min(took / predicted, kMost);
    answers += 1;
    times += x;
    if (!(low > 0)) low = x;
    const float step = std::max(kStep, kFirstStep / (answers + kFew));
    low *= x < low ? 1 - (1 - kPart) * step : 1 + kPart * step;
  }

  // `dt` seconds of no more than 5. What can not be, in memory that was damaged, is forgotten.
  void pass(float dt) noexcept {
    if (!(answers < kMostAnswers && times < kMost * kMostAnswers && low >= 0 && least >= 0)) {
      *this = {};
    }
    const float left = 1 / (1 + dt / kSpan);
    answers *= left;
    times *= left;
    if (least > 0) {
      least = std::min(low, least * (1 + dt / kForget));
    } else if (answers > kSettled) {
      least = low;
    }
  }

 private:
  static constexpr float kPart = 0.4F;            // of the answers, that end at `low`
  static constexpr float kStep = 0.03F;           // by which it follows them,
  static constexpr float kFirstStep = 1.5F;       // and at first, over how many there were
  static constexpr float kFew = 3, kSettled = 8;  // answers
  static constexpr float kMost = 1e3F, kMostAnswers = 1e9F;
  static constexpr float kSpan = 5;     // seconds
  static constexpr float kForget = 60;  // seconds
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_TOLL_H_
