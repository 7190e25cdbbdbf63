// Neighbour: the other of our two modules, http's or stream's, when nginx has loaded it as well.
//
// Neither may need a symbol of the other, or it could not be loaded alone. Each marks its zones
// with its own record among nginx's modules; the neighbour's is found there by its name. What the
// zones belong to is read only when both modules come from one build.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_NEIGHBOUR_H_
#define LEASTWISE_NGINX_MODULE_SHARED_NEIGHBOUR_H_

#include <span>

#include "leastwise/status_page.h"
#include "shared/ngx.h"

namespace leastwise::nginx {

struct Upstream;

// The pools of both modules, with the names that a status page has for them: "app" of http,
// "stream/app" of stream. In `memory`; empty when there is none left.
std::span<const NamedPool> pools_to_show(ngx_pool_t& memory) noexcept;

// Those of one kind ("http", "stream"), by their own names; of that name alone, unless it is empty.
std::span<const NamedPool> pools_of(ngx_pool_t& memory, std::string_view kind,
                                    std::string_view name) noexcept;

// The upstream of either module that has this state file, in a cycle whose configuration is being
// read; nullptr when there is none.
const Upstream* find_by_state(const ngx_cycle_t& cycle, std::string_view file) noexcept;

// nullptr when there is none.
Upstream* find_upstream(std::string_view kind, std::string_view name) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_NEIGHBOUR_H_
