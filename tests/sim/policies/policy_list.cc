#include "policies/policy_list.h"

#include <algorithm>
#include <stdexcept>

#include "leastwise/config.h"
#include "policies/baselines.h"
#include "policies/core_balancer.h"

namespace leastwise::sim {
namespace {

// "a+b+c" is cut at the first plus: returns a, and leaves b+c.
std::string_view next_part(std::string_view& text) {
  const std::size_t plus = text.find('+');
  const std::string_view part = text.substr(0, plus);
  text.remove_prefix(plus == text.npos ? text.size() : plus + 1);
  return part;
}

// Takes the part "share" out, which is no directive.
bool take_share(std::string& text) {
  constexpr std::string_view kShare = "+share";
  if (!text.ends_with(kShare)) return false;
  text.resize(text.size() - kShare.size());
  return true;
}

// Views of `text`.
Config config_of(std::string_view text) {
  Config config;
  config.policy = find_policy(next_part(text));
  while (!text.empty()) {
    const std::string_view part = next_part(text);
    const std::size_t equals = std::min(part.find('='), part.size());
    const Directive* directive = find_directive(part.substr(0, equals));
    if (directive == nullptr) {
      throw std::invalid_argument("no directive in \"" + std::string(part) + '"');
    }
    const Status status = set(config, *directive, part.substr(std::min(equals + 1, part.size())));
    if (!status.ok()) throw std::invalid_argument(std::string(part) + ": " + status.message());
  }
  return config;
}

NamedPolicy from_core(const Policy& policy, std::string_view name) {
  std::string text(name);
  const bool shares = take_share(text);
  config_of(text);  // complains now
  return {std::string(name), std::string(policy.summary),
          [text, shares](const World& world, std::uint64_t seed) {
            auto balancer = std::make_unique<CoreBalancer>(world, config_of(text), seed);
            if (shares) balancer->share();
            return balancer;
          }};
}

std::unique_ptr<lua::Script> load(const std::string& file) {
  std::string error;
  std::unique_ptr<lua::Script> script = lua::Script::load(file, error);
  if (script == nullptr) throw std::invalid_argument(error);
  return script;
}

// A script of its own for each balancer, as each process has one.
NamedPolicy from_script(const std::string& file) {
  load(file);  // complains now
  return {"lua:" + file, "a script", [file](const World& world, std::uint64_t seed) {
            return std::make_unique<CoreBalancer>(world, Config{}, seed, load(file));
          }};
}

std::vector<NamedPolicy> collect() {
  std::vector<NamedPolicy> all;
  for (const Policy* policy : policies()) {
    all.push_back(from_core(*policy, policy->name));
  }
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

NamedPolicy policy_named(std::string_view name) {
  if (name.starts_with("lua:")) return from_script(std::string(name.substr(4)));
  std::string_view rest = name;
  const Policy* tuned = find_policy(next_part(rest));
  if (tuned != nullptr && !rest.empty()) return from_core(*tuned, name);
  std::string known;
  for (const NamedPolicy& policy : all_policies()) {
    if (policy.name == name) return policy;
    known += (known.empty() ? "" : ", ") + policy.name;
  }
  throw std::invalid_argument("no policy " + std::string(name) + "; there are: " + known);
}

}  // namespace leastwise::sim
