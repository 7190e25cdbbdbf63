// The policies that can be simulated, by name: all of the core, and the baselines.
#ifndef LEASTWISE_TESTS_SIM_POLICIES_POLICY_LIST_H_
#define LEASTWISE_TESTS_SIM_POLICIES_POLICY_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "engine/balancer.h"

namespace leastwise::sim {

// All ratios are to this one: full scan, equals at random, whatever the core does.
inline constexpr std::string_view kReference = "plain_least_conn";

struct NamedPolicy {
  std::string name;
  std::string summary;
  MakeBalancer make;
};

const std::vector<NamedPolicy>& all_policies();

// A policy of the core may be tuned by directives: "weighted+demand=speed+decay=2s". Throws
// std::invalid_argument, which says what there is, if there is no such policy or directive.
// "adaptive+share": balancers tell each other what they have. "lua:FILE" is what that script says.
NamedPolicy policy_named(std::string_view name);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_POLICIES_POLICY_LIST_H_
