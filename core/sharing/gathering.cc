#include "sharing/gathering.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace leastwise::sharing {
namespace {

float requests_of(const Report& report) noexcept {
  float sum = 0;
  for (const ServerReport& server : report.servers) sum += server.requests;
  return sum;
}

}  // namespace

void Gathering::take(std::string_view name, const Report& report, TimePoint now) {
  auto found = tellers_.find(name);
  if (found == tellers_.end()) {
    if (tellers_.size() == kMostTellers) return;
    found = tellers_.emplace(name, Teller{}).first;
  } else if (found->second.report.life == report.life &&
             found->second.report.number == report.number) {
    return;
  }
  found->second = {.report = report, .changed = now, .requests = requests_of(report)};
}

std::uint32_t Gathering::sum(std::span<ServerReport> servers, float own, TimePoint now) {
  std::erase_if(tellers_, [&](const auto& t) { return now - t.second.changed >= Pool::kHearsay; });
  std::unordered_map<std::uint32_t, ServerReport*> known;
  for (ServerReport& server : servers) {
    server.requests = server.work = 0;
    known.emplace(server.server, &server);
  }
  const float most = kMostTimes * usual(own);
  std::uint32_t heard = 0;
  for (const auto& [name, teller] : tellers_) {
    const float part = Pool::hearsay_left(now - teller.changed) *
                       (teller.requests > most ? most / teller.requests : 1.0F);
    ++heard;
    for (const ServerReport& told : teller.report.servers) {
      const auto found = known.find(told.server);
      if (found == known.end()) continue;
      found->second->requests += part * told.requests;
      found->second->work += part * told.work;
    }
  }
  return heard;
}

// Of two the lesser: of a single other one its own word is not the measure.
float Gathering::usual(float own) const {
  std::vector<float> sizes = {own};
  for (const auto& [name, teller] : tellers_) sizes.push_back(teller.requests);
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>((sizes.size() - 1) / 2);
  std::ranges::nth_element(sizes, middle);
  return std::max(*middle, 1.0F);
}

}  // namespace leastwise::sharing
