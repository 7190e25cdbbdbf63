// Round trip: how far away a server is, as the kernel measured it on a connection.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_ROUND_TRIP_H_
#define LEASTWISE_NGINX_MODULE_SHARED_ROUND_TRIP_H_

#include "leastwise/clock.h"

namespace leastwise::nginx {

// The least round trip of a TCP socket; zero for one of the unix domain. Asks the kernel, 0.9 µs,
// for one call in 16 at random; kUnknownDuration for the others, or when the kernel does not say.
Duration sample_round_trip(int socket, bool is_unix) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_ROUND_TRIP_H_
