// Policy: how the next endpoint is chosen.
//
// To add one: write src/policies/NAME.cc that defines `const Policy NAME_policy`,
// add LEASTWISE_POLICY(NAME) to src/policies/policies.def, and write its test in
// tests/core/policies/NAME_test.cc (the build stops without it).
#ifndef LEASTWISE_POLICY_H_
#define LEASTWISE_POLICY_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace leastwise {

struct PickContext;  // src/pick/pick_context.h: all that a pick may look at
struct Choice;

// A table of functions rather than a class: a policy has no state of its own
// (state lives in the Pool and the Picker), so there is nothing to construct or own.
struct Policy {
  std::string_view name;     // as written in the configuration
  std::string_view summary;  // one line for the manual

  // Set for policies that go by turns: the share of requests that a member should get,
  // relative to others, at most four times its weight. nullptr: cost decides.
  float (*demand)(const PickContext& context, std::uint32_t member) noexcept;

  // Returns one of the candidates. Called for every request: must not allocate,
  // block or call the system.
  Choice (*pick)(PickContext& context) noexcept;

  // Whether finish() keeps each endpoint's average answer time for it (src/words/answer_time.h).
  bool keeps_answer_time = false;
  // Whether the candidates in a large pool follow from Request::key (src/pick/key_ring.h).
  bool by_key = false;
  // Whether in a large pool it is the one with the fewest in flight per weight (src/pick/turns.h).
  bool by_count = false;
  // Whether those in a large pool are the best by score (src/pick/score_trees.h).
  bool by_score = false;
  // Whether it goes by Request::prompt, for which a pool needs memory of its own
  // (src/memory/prompts.h).
  bool by_prompt = false;
};

// All policies, in the order of policies.def; the first is the default.
std::span<const Policy* const> policies() noexcept;

// nullptr if there is none of that name.
const Policy* find_policy(std::string_view name) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_POLICY_H_
