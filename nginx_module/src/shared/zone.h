// Zone: the shared memory of one upstream's pool.
//
// nginx hands a zone's memory on to the next configuration when name, size and owner stay
// the same; else what was learned is copied over from the pool that the running
// configuration has for the upstream of that name. docs/adr/0002 says why there is a zone
// to each upstream.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_ZONE_H_
#define LEASTWISE_NGINX_MODULE_SHARED_ZONE_H_

#include "shared/ngx.h"

namespace leastwise::nginx {

struct Upstream;

// Declares the zone of an upstream whose servers are known. Logs what is wrong.
ngx_int_t add_zone(ngx_conf_t* cf, Upstream& upstream) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_ZONE_H_
