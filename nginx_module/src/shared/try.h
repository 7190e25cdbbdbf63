// Try: one server that a request or a session was sent to.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_TRY_H_
#define LEASTWISE_NGINX_MODULE_SHARED_TRY_H_

#include "leastwise/outcome.h"
#include "leastwise/picker.h"
#include "shared/ngx.h"

namespace leastwise::nginx {

struct Try {
  Ticket ticket;
  ngx_str_t server{};  // ADDR:PORT
  Would would;         // of who only watches,
  ngx_str_t shadow{};  // and ADDR:PORT of that
  Duration first_byte = kUnknownDuration;
  bool has_prompt = false;  // it is known what the request asks a model server to read
  Duration first_token = kUnknownDuration;  // of a model server's event stream
  Duration round_trip = kUnknownDuration;
  Try* next = nullptr;
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_TRY_H_
