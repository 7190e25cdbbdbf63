// NginxPools: the upstreams of an nginx, as other balancers are told of them, by
// `leastwise_control` on a unix socket (docs/control.md). All that have `leastwise`.
//
// Each question waits for its answer, for kPatience at most: for a thread of its own.
#ifndef LEASTWISE_SPOE_AGENT_DRIVE_NGINX_POOLS_H_
#define LEASTWISE_SPOE_AGENT_DRIVE_NGINX_POOLS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/transfers.h"
#include "share/shared_pools.h"

namespace leastwise::drive {

// One upstream, as GET 9/in_flight has it.
struct NginxPool {
  std::string path;  // "http/upstreams/app"
  agent::SharedPools::Look look{};
  std::vector<std::string> addresses{};  // in the order of look.servers
};

// False when it is not that. An upstream of `stream` is known to others as "stream/NAME".
bool parse_in_flight(std::string_view text, std::vector<NginxPool>& out);

// What is put to 9/…/elsewhere.
std::string elsewhere_json(const std::vector<std::string>& addresses,
                           std::span<const sharing::ServerReport> others, std::uint32_t tellers,
                           bool counts);

class NginxPools final : public agent::SharedPools {
 public:
  static constexpr Duration kPatience = std::chrono::milliseconds(500);

  // `socket`: its path. Others are counted, or what they have is only shown.
  NginxPools(std::string socket, bool counts) : socket_(std::move(socket)), counts_(counts) {}

  std::vector<Look> look() override;
  // Nothing, where nobody is heard: nginx forgets by itself.
  void tell(std::size_t place, std::span<const sharing::ServerReport> others, std::uint32_t tellers,
            TimePoint now) override;

 private:
  net::Answer ask(std::string method, const std::string& path, std::string body = {});

  const std::string socket_;
  const bool counts_;
  net::Transfers transfers_;
  std::vector<NginxPool> pools_;  // of the last look
};

}  // namespace leastwise::drive

#endif  // LEASTWISE_SPOE_AGENT_DRIVE_NGINX_POOLS_H_
