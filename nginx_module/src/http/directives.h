// Directives: those of http, and the setters of those that read more than the core does.
//
//   upstream{}  all of shared/directives.h
//   location{}  leastwise_status [html | json | prometheus];
//               leastwise_control;
//               leastwise_body openai | raw | off;   (http{} and server{}, too)
#ifndef LEASTWISE_NGINX_MODULE_HTTP_DIRECTIVES_H_
#define LEASTWISE_NGINX_MODULE_HTTP_DIRECTIVES_H_

#include "http/ngx.h"

namespace leastwise::nginx {

// Ends with nginx's null command. Made once, when the module is loaded.
ngx_command_t* commands() noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_DIRECTIVES_H_
