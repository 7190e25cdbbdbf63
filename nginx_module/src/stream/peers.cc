#include "stream/peers.h"

namespace leastwise::nginx {

constinit const Kind stream_kind = {
    .name = "stream",
    .list = StreamPeers::list,
    .generation = StreamPeers::generation,
    .lock = StreamPeers::lock,
    .unlock = StreamPeers::unlock,
};

}  // namespace leastwise::nginx
