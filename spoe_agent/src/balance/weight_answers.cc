#include "balance/weight_answers.h"

#include <set>

namespace leastwise::agent {

std::uint32_t percent_of(std::uint32_t weight, std::uint32_t configured) noexcept {
  if (weight == 0 || configured == 0) return 100;
  return (weight * 100 + configured - 1) / configured;
}

void WeightAnswers::set(const std::string& backend, const std::vector<Steering::View>& servers) {
  const std::string head = backend + '/';
  std::set<std::string, std::less<>> names;
  for (const Steering::View& view : servers) names.insert(head + view.server);
  const std::lock_guard lock(mutex_);
  is_ready_ = true;
  std::erase_if(servers_, [&](const auto& entry) {
    return entry.first.starts_with(head) && !names.contains(entry.first);
  });
  for (const Steering::View& view : servers) {
    const std::string name = head + view.server;
    const auto [server, is_new] = servers_.try_emplace(name);
    server->second.percent = percent_of(view.told, view.configured);
    const auto waiting = is_new ? strangers_.find(name) : strangers_.end();
    if (waiting == strangers_.end()) continue;
    server->second.asked = waiting->second;
    strangers_.erase(waiting);
  }
}

bool WeightAnswers::asks(const std::string& backend, const std::string& server,
                         TimePoint now) const {
  const std::lock_guard lock(mutex_);
  const auto found = servers_.find(backend + '/' + server);
  return found != servers_.end() && found->second.asked != TimePoint{} &&
         now - found->second.asked < kAsksAgain;
}

std::string WeightAnswers::answer(std::string_view name, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto found = servers_.find(name);
  if (found != servers_.end()) {
    found->second.asked = now;
    return std::to_string(found->second.percent) + "%\n";
  }
  std::erase_if(strangers_, [&](const auto& entry) { return now - entry.second >= kAsksAgain; });
  if (strangers_.size() < kMostStrangers) strangers_[std::string(name)] = now;
  return is_ready_ ? "100%\n" : "\n";
}

bool WeightAnswers::is_known(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return servers_.find(name) != servers_.end();
}

std::string WeightAnswers::stranger(TimePoint now) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, asked] : strangers_) {
    if (is_ready_ && now - asked < kAsksAgain) return name;
  }
  return {};
}

}  // namespace leastwise::agent
