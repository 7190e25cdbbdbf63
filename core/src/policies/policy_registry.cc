#include <algorithm>

#include "leastwise/config.h"
#include "leastwise/policy.h"

namespace leastwise {

#define LEASTWISE_POLICY(id) extern const Policy id##_policy;
#include "policies/policies.def"
#undef LEASTWISE_POLICY

namespace {

// A plain table, not self-registration: a linker may drop an object file that
// nobody names from a static library, and with it the policy.
constexpr const Policy* kPolicies[] = {
#define LEASTWISE_POLICY(id) &id##_policy,
#include "policies/policies.def"
#undef LEASTWISE_POLICY
};

}  // namespace

std::span<const Policy* const> policies() noexcept { return kPolicies; }

const Policy* find_policy(std::string_view name) noexcept {
  const auto* it = std::ranges::find(kPolicies, name, &Policy::name);
  return it == std::end(kPolicies) ? nullptr : *it;
}

const Policy& Config::chosen_policy() const noexcept {
  return policy != nullptr ? *policy : *kPolicies[0];
}

bool Config::uses_key() const noexcept {
  const Policy& chosen = chosen_policy();
  return chosen.by_key || (chosen.by_score && affinity.value > 0);
}

Vain set_in_vain(const Config& config) noexcept {
  const Policy& chosen = config.chosen_policy();
  if (config.affinity.value > 0 && !chosen.by_score) {
    return {"affinity", chosen.by_key ? "policy hash goes by the key without it"
                                      : "of the policies only adaptive looks at it"};
  }
  if (!config.key.empty() && !config.uses_key()) {
    return {"key", chosen.by_score
                       ? "adaptive looks at keys with an affinity of 1 or more only"
                       : "of the policies hash looks at it, and adaptive with an affinity"};
  }
  return {};
}

}  // namespace leastwise
