// Configured: the servers of an upstream as its lines have them, whatever method goes by them: one
// that is not nginx's may keep a list of its own kind. Only a list that changes is nginx's round
// robin's for sure, since nginx itself takes it for that.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_CONFIGURED_H_
#define LEASTWISE_NGINX_MODULE_SHARED_CONFIGURED_H_

#include <algorithm>
#include <span>

#include "shared/upstream.h"

namespace leastwise::nginx {

template <typename RoundRobin, typename Line>
class Configured {
 public:
  // As Kind::list.
  static std::size_t list(const Upstream& upstream, const ngx_array_t& lines,
                          std::span<Server> out) noexcept {
    if (upstream.changes) return RoundRobin::list(upstream, out);
    const std::span all(static_cast<const Line*>(lines.elts), lines.nelts);
    std::size_t n = 0;
    std::size_t total = 0;
    for (const bool backup : {false, true}) {
      for (const Line& line : all) {
        if ((line.backup != 0) != backup) continue;
        total += line.naddrs;
        const std::span addresses(line.addrs, line.naddrs);
        for (const ngx_addr_t& a : addresses.first(std::min(addresses.size(), out.size() - n))) {
          out[n++] = {.name = a.name,
                      .address = a.sockaddr,
                      .address_size = a.socklen,
                      .settings = settings_of(line)};
        }
      }
    }
    // nginx never takes the only server out of service.
    if (total == 1 && n == 1) out[0].settings.max_fails = 0;
    return total;
  }

 private:
  static EndpointSettings settings_of(const Line& line) noexcept {
    EndpointSettings settings;
    settings.weight = static_cast<std::uint32_t>(line.weight);
    settings.max_conns = static_cast<std::uint32_t>(line.max_conns);
    settings.max_fails = static_cast<std::uint32_t>(line.max_fails);
    settings.fail_timeout = std::chrono::seconds(line.fail_timeout);
    if (line.down != 0) settings.flags |= kDown;
    if (line.backup != 0) settings.flags |= kBackup;
    return settings;
  }
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_CONFIGURED_H_
