// Script: an upstream's policy in Lua. It is read and started with the configuration, so that the
// fork gives each worker a state of its own, and goes with it.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_SCRIPT_H_
#define LEASTWISE_NGINX_MODULE_SHARED_SCRIPT_H_

#include "shared/ngx.h"
#include "shared/upstream.h"

namespace leastwise::nginx {

// Of `leastwise_lua FILE`; the path is relative to that of nginx.conf.
char* read_script(ngx_conf_t* cf, Upstream& upstream) noexcept;

// When the block was read as a whole: the script takes the policy's place. Logs an error and
// returns false where that can not be.
bool use_script(ngx_conf_t* cf, Upstream& upstream, const ngx_str_t& name) noexcept;

// What is due in this process: tick(), and what went wrong into the log.
void tick_script(Upstream& upstream) noexcept;

// What the script says the route or the key of its request is, 0 where it says nothing and
// `otherwise` where it has no such function. `text`: a copy of what it said.
std::uint64_t told(lua::Script& script, lua::Call call, std::uint64_t otherwise, ngx_pool_t& memory,
                   std::string_view& text) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_SCRIPT_H_
