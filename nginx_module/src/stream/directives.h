// Directives: those of stream, and the setters of those that read more than the core does.
//
//   upstream{}  all of shared/directives.h, but those that mean something in http only
//   server{}    leastwise_status [json | prometheus];
#ifndef LEASTWISE_NGINX_MODULE_STREAM_DIRECTIVES_H_
#define LEASTWISE_NGINX_MODULE_STREAM_DIRECTIVES_H_

#include "stream/ngx.h"

namespace leastwise::nginx {

// Ends with nginx's null command. Made once, when the module is loaded.
ngx_command_t* commands() noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_DIRECTIVES_H_
