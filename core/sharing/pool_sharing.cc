#include "sharing/pool_sharing.h"

#include <algorithm>

namespace leastwise::sharing {
namespace {

std::string_view address_of(std::string_view endpoint) noexcept {
  return endpoint.substr(endpoint.rfind('@') + 1);
}

}  // namespace

std::vector<ServerReport> PoolSide::look(const Pool& pool) {
  std::vector<ServerReport> now;
  ids_.clear();
  pool.for_each([&](EndpointId id) {
    if (ids_.size() == kMostServers) return;
    const Pool::Own own = pool.own(id);
    ids_.push_back(id);
    now.push_back({.server = hash_of(address_of(pool.endpoint_name(id))),
                   .requests = own.requests,
                   .work = own.work});
  });
  return now;
}

void PoolSide::tell(Pool& pool, std::span<const ServerReport> others, std::uint32_t tellers,
                    TimePoint now, bool counts) const {
  for (std::size_t i = 0; i < std::min(others.size(), ids_.size()); ++i) {
    pool.hear(ids_[i], others[i].requests);
  }
  pool.heard(counts ? tellers : 0, now);
}

std::uint32_t PoolSharing::take_in(Pool& pool, TimePoint now, bool counts) {
  std::vector<ServerReport> others;
  const std::uint32_t tellers = exchange_.others(now, others);
  pool_.tell(pool, others, tellers, now, counts);
  return tellers;
}

}  // namespace leastwise::sharing
