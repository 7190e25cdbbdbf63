// Classify: what became of one attempt, read from what nginx leaves behind.
//
// nginx tells a balancer little more than "failed" or not when it takes an attempt back:
// a body cut short, a client that left and a good answer all look alike. The rest has to
// be put together from the state of the connection. Pure: knows nothing of nginx, so
// that each row of the table can be tested.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_CLASSIFY_H_
#define LEASTWISE_NGINX_MODULE_HTTP_CLASSIFY_H_

#include <cstdint>

#include "leastwise/failures.h"
#include "leastwise/outcome.h"

namespace leastwise::nginx {

struct Evidence {
  bool given_up = false;   // NGX_PEER_FAILED: nginx would go on to another server
  bool passed_on = false;  // NGX_PEER_NEXT: an answer that another server may improve on
  bool upgraded = false;   // a tunnel now: its end means nothing
  bool connected = false;
  bool reused = false;       // a kept connection
  bool received = false;     // at least one byte
  bool is_late = false;      // the server had the request for longer than any way there and back
  bool timed_out = false;    // the connection to the server, not the client's
  bool closed = false;       // by the server: end of file or reset
  bool broken = false;       // reset
  bool header = false;       // the answer's header was read to its end
  bool unreadable = false;   // it was none: nginx took it for HTTP/0.9
  bool relayed = false;      // nginx began to send it to the client
  bool kept = false;         // the connection waits for the next request: all was read
  bool no_body = false;      // the answer has none, as to HEAD
  bool done = false;         // nginx saw the end of the body
  std::int64_t left = 0;     // bytes of body to come, -1: until the server closes
  std::uint16_t status = 0;  // of a header that was read
  std::int32_t grpc = kNoGrpcStatus;  // its grpc-status
  bool says_failed = false;           // by that, its grpc-status, or what the user declared
};

Result classify(const Evidence& e) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_CLASSIFY_H_
