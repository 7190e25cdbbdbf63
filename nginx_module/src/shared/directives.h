// Directives: nginx's command table, made from the core's table of directives and the few
// that only nginx has.
//
//   upstream{}  leastwise [POLICY];             the core's `policy`
//               leastwise_NAME VALUE;           the core's other directives
//               leastwise_zone NAME SIZE;
//   location{}  leastwise_status [json | prometheus];
#ifndef LEASTWISE_NGINX_MODULE_SHARED_DIRECTIVES_H_
#define LEASTWISE_NGINX_MODULE_SHARED_DIRECTIVES_H_

#include "shared/ngx.h"

namespace leastwise::nginx {

// Ends with nginx's null command. Made once, when the module is loaded.
ngx_command_t* commands() noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_DIRECTIVES_H_
