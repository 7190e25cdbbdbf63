// Attempt: a session's way through one upstream, with all the servers it tried. Lives on the
// pool of the client's connection.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_ATTEMPT_H_
#define LEASTWISE_NGINX_MODULE_STREAM_ATTEMPT_H_

#include <cstdint>

#include "leastwise/picker.h"
#include "shared/try.h"
#include "stream/conf.h"
#include "stream/ngx.h"
#include "stream/peers.h"

namespace leastwise::nginx {

using Notify = void (*)(ngx_peer_connection_t* pc, void* data, ngx_uint_t type);

struct Attempt {
  // First, because nginx's own callbacks for TLS sessions take a pointer to us for this.
  PeerData round_robin;
  ngx_stream_session_t* session = nullptr;
  UpstreamConf* conf = nullptr;
  std::uint64_t route = 0;
  RouteName route_name{};
  std::uint64_t key = 0;
  ngx_uint_t generation = 0;  // of the list that the tries refer to
  Notify notify = nullptr;    // round robin's own
  Try* last = nullptr;        // nullptr: none yet
  Try* tried = nullptr;       // from here on: tries that are not to be repeated
  Verdict verdict;            // on the tries that failed
  TimePoint connected{};      // when the last try was, with its TLS handshake,
  TimePoint asked{};          // and when something of the client's first went to it; zero: not yet
  bool in_flight = false;     // the last try is,
  bool answered = false;      // and the pool has learned from it all that there is to learn
  ngx_event_t learning{};     // posted when it was answered
  Try first;
};

// Makes the attempt of this session; nullptr when memory ran out. When the session ends, it is
// settled.
Attempt* make_attempt(ngx_stream_session_t* s, UpstreamConf& conf) noexcept;

// The session's attempt; nullptr if it had none.
inline Attempt* find_attempt(ngx_stream_session_t* s) noexcept {
  return static_cast<Attempt*>(ngx_stream_get_module_ctx(s, ngx_stream_leastwise_module));
}

// Takes `learning` back, if it was posted.
void unpost(Attempt& attempt) noexcept;

// Memory for another try; nullptr when memory ran out. It counts only once it is appended.
Try* new_try(Attempt& attempt) noexcept;
void append_try(Attempt& attempt, Try& added) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_ATTEMPT_H_
