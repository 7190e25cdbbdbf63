#include "sharing/pool_sharing.h"

#include <algorithm>

namespace leastwise::sharing {
namespace {

constexpr float kSmooth = 0.1F;  // of what is in flight, each kPeriod: an average of a second

std::string_view address_of(std::string_view endpoint) noexcept {
  return endpoint.substr(endpoint.rfind('@') + 1);
}

}  // namespace

std::string PoolSharing::tell(const Pool& pool) {
  std::vector<Server> servers;
  Report report{.life = life_, .number = ++number_};
  pool.for_each([&](EndpointId id) {
    if (servers.size() == kMostServers) return;
    const Pool::Own now = pool.own(id);
    ServerReport told{.server = hash_of(address_of(pool.endpoint_name(id))),
                      .requests = now.requests,
                      .work = now.work};
    // Places do not move, so the last report has most of them in the same order.
    const auto old = servers.size() < servers_.size() && servers_[servers.size()].id == id
                         ? servers_.begin() + static_cast<std::ptrdiff_t>(servers.size())
                         : std::ranges::find(servers_, id, &Server::id);
    if (old != servers_.end() && old->report.server == told.server) {
      told.requests = old->report.requests + kSmooth * (now.requests - old->report.requests);
      told.work = old->report.work + kSmooth * (now.work - old->report.work);
    }
    servers.push_back({id, told});
    report.servers.push_back(told);
  });
  servers_.swap(servers);
  return encode(report);
}

bool PoolSharing::hear(std::string_view teller, std::string_view bytes, TimePoint now) {
  const auto report = decode(bytes);
  if (report) others_.take(teller, *report, now);
  return report.has_value();
}

std::uint32_t PoolSharing::take_in(Pool& pool, TimePoint now, bool counts) {
  float own = 0;
  std::vector<ServerReport> others;
  for (const Server& s : servers_) {
    own += s.report.requests;
    others.push_back(s.report);
  }
  const std::uint32_t heard = others_.sum(others, own, now);
  for (std::size_t i = 0; i < others.size(); ++i) {
    pool.hear(servers_[i].id, others[i].requests, others[i].work);
  }
  if (counts && heard > 0) pool.heard(heard, now);
  return heard;
}

}  // namespace leastwise::sharing
