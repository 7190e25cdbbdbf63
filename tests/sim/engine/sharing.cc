// Engine: what balancers tell each other.
#include "engine/engine.h"
#include "sharing/report.h"

namespace leastwise::sim {
namespace {

// That every other server is overrun, and the rest idle.
std::string lie(const std::string& told) {
  auto report = sharing::decode(told);
  for (std::size_t i = 0; report && i < report->servers.size(); ++i) {
    report->servers[i].requests = report->servers[i].work = i % 2 == 0 ? 1e4F : 0;
  }
  return report ? sharing::encode(*report) : told;
}

}  // namespace

void Engine::tell(std::uint32_t balancer) {
  std::string told = balancers_[balancer]->tell();
  told_[balancer].push_back(balancer < scenario_.liars ? lie(told) : std::move(told));
  events_.push({world_.now + scenario_.share_late_ms, Event::Kind::kHear, balancer});
  events_.push({world_.now + scenario_.share_ms, Event::Kind::kTell, balancer});
}

void Engine::hear(std::uint32_t teller) {
  for (std::uint32_t b = 0; b < balancers_.size(); ++b) {
    if (b != teller) balancers_[b]->hear(teller, told_[teller].front());
  }
  told_[teller].pop_front();
}

}  // namespace leastwise::sim
