// Status page: what a pool knows, as text for machines. Pure functions of the pool.
#ifndef LEASTWISE_STATUS_PAGE_H_
#define LEASTWISE_STATUS_PAGE_H_

#include <span>
#include <string_view>

#include "leastwise/config.h"
#include "leastwise/pool.h"
#include "leastwise/text.h"

namespace leastwise {

// A pool with the name that its users know it by.
struct NamedPool {
  std::string_view name;  // of the upstream or backend
  const Config* config = nullptr;
  Pool pool;
};

// {"version":…,"upstreams":{NAME:{"policy":…,"peers":[…],"model":{…}}}}: peers in the shape
// of NGINX Plus' API where it has a word for it, all else under one key "leastwise".
// `proxy` is "nginx" or "haproxy".
void render_json(std::string_view proxy, std::span<const NamedPool> pools, TimePoint now,
                 Text& out) noexcept;

// Prometheus text format 0.0.4; metrics leastwise_*, labels proxy, upstream, peer.
void render_prometheus(std::string_view proxy, std::span<const NamedPool> pools, TimePoint now,
                       Text& out) noexcept;

// docs/directives.md.
void render_directives(Text& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_STATUS_PAGE_H_
