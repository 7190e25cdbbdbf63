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

// Held while which servers an upstream has is looked at and changed, so that of two workers one
// does it after the other; never for a pick. The master gives back what a worker held that died.
// REQUIRES: no slab of the zone is asked for meanwhile.
class ZoneLock {
 public:
  explicit ZoneLock(const Upstream& upstream) noexcept;
  ~ZoneLock();
  ZoneLock(const ZoneLock&) = delete;
  ZoneLock& operator=(const ZoneLock&) = delete;

 private:
  ngx_shmtx_t& mutex_;
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_ZONE_H_
