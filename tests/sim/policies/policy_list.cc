#include "policies/policy_list.h"

#include <stdexcept>

#include "leastwise/policy.h"
#include "policies/baselines.h"
#include "policies/core_balancer.h"

namespace leastwise::sim {
namespace {

NamedPolicy from_core(const Policy& policy) {
  return {std::string(policy.name), std::string(policy.summary),
          [&policy](const World& world, std::uint64_t seed) -> std::unique_ptr<Balancer> {
            Config config;
            config.policy = &policy;
            return std::make_unique<CoreBalancer>(world, config, seed);
          }};
}

std::vector<NamedPolicy> collect() {
  std::vector<NamedPolicy> all;
  for (const Policy* policy : policies()) all.push_back(from_core(*policy));
  const std::vector<NamedPolicy> baselines = {
      {"plain_least_conn", "fewest in flight, equals at random: the reference",
       make_plain_least_conn},
      {"plain_two_choices", "fewest in flight of two random servers", make_plain_two_choices},
      {"nginx_least_time", "nginx 1.31.5's least_time", make_nginx_least_time},
      {"peak_ewma_full", "Finagle's peak EWMA over all servers", make_peak_ewma_full},
      {"c3", "C3 without rate control; servers must report", make_c3},
      {"bounded_hash", "hash of the prefix with bounded load", make_bounded_hash},
      {"oracle_jsq", "greedy with true speeds and queue lengths", make_oracle_jsq},
      {"oracle_lwl", "greedy with true speeds, queues and sizes", make_oracle_lwl}};
  all.insert(all.end(), baselines.begin(), baselines.end());
  return all;
}

}  // namespace

const std::vector<NamedPolicy>& all_policies() {
  static const std::vector<NamedPolicy> all = collect();
  return all;
}

const NamedPolicy& policy_named(std::string_view name) {
  std::string known;
  for (const NamedPolicy& policy : all_policies()) {
    if (policy.name == name) return policy;
    known += (known.empty() ? "" : ", ") + policy.name;
  }
  throw std::invalid_argument("no policy " + std::string(name) + "; there are: " + known);
}

}  // namespace leastwise::sim
