// Traffic: who asks model servers what. A seed fixes all of it, whatever the servers do; only when
// the next turn of a chat comes depends on when the last was answered.
#ifndef LEASTWISE_TESTS_SIM_INFERENCE_TRAFFIC_H_
#define LEASTWISE_TESTS_SIM_INFERENCE_TRAFFIC_H_

#include <string>
#include <vector>

#include "sim/inference/server.h"

namespace leastwise::sim {

enum class Talk {
  kChat,     // several turns, each with all that was said before; twenty system prompts
  kHot,      // a hundred long prompts with a short question each
  kRag,      // some of two thousand documents, in any order
  kUnshared  // nothing in common
};

struct InferenceScenario {
  std::string name;
  Talk talk;
  double rate;  // sessions a second
  std::size_t slow_servers = 0;
  double slow = 1;
  bool grey = false;  // one server is 4 times slower for three tenths of the time
};

const std::vector<InferenceScenario>& inference_scenarios();

struct Turn {
  std::uint32_t asked_bytes, answer_tokens;
  double pause;  // before it
};
struct Session {
  double at;
  Text text;  // before the first question
  std::vector<Turn> turns;
};
// In the order of time.
std::vector<Session> make_traffic(const InferenceScenario& scenario, double until,
                                  std::uint64_t seed);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_INFERENCE_TRAFFIC_H_
