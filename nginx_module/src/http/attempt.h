// Attempt: a request's way through one upstream, with all the servers it tried. Lives on
// the request's pool.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_ATTEMPT_H_
#define LEASTWISE_NGINX_MODULE_HTTP_ATTEMPT_H_

#include <cstdint>

#include "http/conf.h"
#include "http/ngx.h"
#include "http/peers.h"
#include "leastwise/picker.h"
#include "leastwise/prompt.h"
#include "leastwise/route.h"
#include "prompts/usage_scanner.h"
#include "shared/try.h"

namespace leastwise::nginx {

struct Attempt {
  // First, because nginx's own callbacks for TLS sessions take a pointer to us for this.
  PeerData round_robin;
  ngx_http_request_t* request = nullptr;
  ngx_http_upstream_t* upstream = nullptr;
  UpstreamConf* conf = nullptr;
  Attempt* earlier = nullptr;  // of the same request, before an internal redirect
  std::uint64_t route = 0;
  RouteName route_name{};
  Route default_route;  // what route_name views, unless the user says what a route is
  std::uint64_t key = 0;
  const Prompt* prompt = nullptr;    // of a request to a model server
  UsageScanner* listener = nullptr;  // of the answer to it, once that has begun
  Usage usage;                       // what that said so far
  ngx_uint_t generation = 0;         // of the list that the tries refer to
  Try* last = nullptr;               // nullptr: none yet
  Try* tried = nullptr;              // from here on: tries that are not to be repeated
  Verdict verdict;                   // on the tries that failed
  bool in_flight = false;            // the last try is,
  bool answered = false;             // and the pool has learned from it all that there is to learn
  bool is_uploading = false;         // some of the request was still to come when it was sent
  bool stale = false;                // it met a kept connection that the server had closed
  bool at_backups = false;  // a bound session is looked for there, no primary could serve it
  Try first;
};

// Makes the attempt of this request for its current upstream; nullptr when memory ran out. When
// the request ends, it is settled.
Attempt* make_attempt(ngx_http_request_t* r, UpstreamConf& conf) noexcept;

// The request's latest attempt; nullptr if it had none.
Attempt* find_attempt(ngx_http_request_t* r) noexcept;

// Memory for another try; nullptr when memory ran out. It counts only once it is appended.
Try* new_try(Attempt& attempt) noexcept;
void append_try(Attempt& attempt, Try& added) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_ATTEMPT_H_
