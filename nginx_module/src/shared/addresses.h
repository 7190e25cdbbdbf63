// Addresses: which member a server is that nginx's own method has chosen.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_ADDRESSES_H_
#define LEASTWISE_NGINX_MODULE_SHARED_ADDRESSES_H_

#include <span>

#include "shared/worker.h"

namespace leastwise::nginx {

// Fills `out`, of as many places as there are servers. O(n log n).
void sort_addresses(std::span<const Server> servers, std::span<AddressOf> out) noexcept;

// The first member of that address; kNoMember if there is none. O(log n).
MemberIndex member_at(const Worker& worker, sockaddr& address, socklen_t size) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_ADDRESSES_H_
