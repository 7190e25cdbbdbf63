// Apart from nginx's headers, which include the C library's tcp_info: that ends before
// tcpi_min_rtt.
#include "shared/round_trip.h"

#include <cstddef>
#include <cstdint>

#include <netinet/in.h>
#include <sys/socket.h>
#ifdef __linux__
#include <linux/tcp.h>
#endif

#include "leastwise/outcome.h"
#include "leastwise/rng.h"

namespace leastwise::nginx {
namespace {

constexpr std::uint32_t kOneIn = 16;

Duration round_trip([[maybe_unused]] int socket) noexcept {
#ifdef __linux__
  constexpr std::uint32_t kNone = UINT32_MAX;  // not measured yet
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return kUnknownDuration;
  // A kernel that is older tells less.
  if (size < offsetof(tcp_info, tcpi_min_rtt) + sizeof(info.tcpi_min_rtt)) return kUnknownDuration;
  return info.tcpi_min_rtt == kNone ? kUnknownDuration : Duration(info.tcpi_min_rtt);
#else
  return kUnknownDuration;
#endif
}

}  // namespace

Duration sample_round_trip(int socket, bool is_unix) noexcept {
  // At random: every 16th request would always go to the same of 16 servers in turn.
  static Rng rng{1};
  if (rng.below(kOneIn) != 0) return kUnknownDuration;
  return is_unix ? Duration::zero() : round_trip(socket);
}

}  // namespace leastwise::nginx
