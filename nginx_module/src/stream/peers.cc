#include "stream/peers.h"

namespace leastwise::nginx {

constinit const Kind stream_kind = {
    .name = "stream",
    .list = StreamPeers::list,
    .generation = StreamPeers::generation,
    .lock = StreamPeers::lock,
    .unlock = StreamPeers::unlock,
    .make_spares = StreamPeers::make_spares,
    .use_spare = StreamPeers::use_spare,
};

}  // namespace leastwise::nginx
