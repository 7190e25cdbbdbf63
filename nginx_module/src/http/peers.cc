#include "http/peers.h"

namespace leastwise::nginx {

std::uint32_t HttpTypes::flags_of(const Peer& peer) noexcept {
  std::uint32_t flags = 0;
#ifdef NGX_HTTP_UPSTREAM_DRAINING
  if ((peer.down & NGX_HTTP_UPSTREAM_DRAINING) != 0) flags |= kDraining;
  if ((peer.down & ~static_cast<ngx_uint_t>(NGX_HTTP_UPSTREAM_DRAINING)) != 0) flags |= kDown;
#else
  if (peer.down != 0) flags |= kDown;
#endif
  return flags;
}

constinit const Kind http_kind = {
    .name = "http",
    .list = HttpPeers::list,
    .generation = HttpPeers::generation,
    .lock = HttpPeers::lock,
    .unlock = HttpPeers::unlock,
    .make_spares = HttpPeers::make_spares,
    .use_spare = HttpPeers::use_spare,
};

}  // namespace leastwise::nginx
