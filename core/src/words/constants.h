// Constants of the score that the model works into its tables; design §4.2.
#ifndef LEASTWISE_SRC_WORDS_CONSTANTS_H_
#define LEASTWISE_SRC_WORDS_CONSTANTS_H_

namespace leastwise {

inline constexpr float kOwnShare = 0.8F;  // of the work in flight in m; the rest is x̄
inline constexpr float kCostCap = 4;      // in mean costs: a dear request is not starved
inline constexpr float kTieBreak = 0.001F;

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_CONSTANTS_H_
