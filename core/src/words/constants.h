// Constants that the picks and the model share; design §4.2.
#ifndef LEASTWISE_SRC_WORDS_CONSTANTS_H_
#define LEASTWISE_SRC_WORDS_CONSTANTS_H_

namespace leastwise {

// Left of the sums of an endpoint's speed with each of its answers.
inline constexpr float kForgetSample = 1 - 1.0F / 128;
inline constexpr float kLogForgetSample = -0.00784318F;  // its natural logarithm

inline constexpr float kOwnShare = 0.8F;  // of the work in flight in m; the rest is x̄
inline constexpr float kCostCap = 4;      // in mean costs: a dear request is not starved
inline constexpr float kTieBreak = 0.001F;

// Times the cost that is typical of the pool: what takes so much does no work, most likely,
inline constexpr double kLong = 64;
inline constexpr double kLongPlace = 4;       // and for how long a place is kept after the answer
inline constexpr double kWatchedPlace = 0.5;  // and for how long, that it may hold others up

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_CONSTANTS_H_
