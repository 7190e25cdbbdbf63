// Play: one scenario, one router, one seed.
#ifndef LEASTWISE_TESTS_SIM_INFERENCE_PLAY_H_
#define LEASTWISE_TESTS_SIM_INFERENCE_PLAY_H_

#include <string_view>

#include "sim/inference/traffic.h"

namespace leastwise::sim {

struct PlayLength {
  double warm_up, seconds;
};

// Of the time to the first token, in seconds, of what was sent after the warm-up; what has none at
// the end counts with its age.
struct FirstTokens {
  std::size_t calls = 0;
  double mean = 0, p50 = 0, p90 = 0, p99 = 0;
  double cached = 0;  // part of the prompts' tokens
};

inline constexpr std::size_t kModelServers = 8;

FirstTokens play(const InferenceScenario& scenario, std::string_view router, PlayLength length,
                 std::uint64_t seed, bool says_usage);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_INFERENCE_PLAY_H_
