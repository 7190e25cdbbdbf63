// Method: nginx's own callbacks of a request or session that Leastwise only watches. Each is called
// first and with what is its own; what it returns is what nginx gets.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_METHOD_H_
#define LEASTWISE_NGINX_MODULE_SHARED_METHOD_H_

#include "shared/ngx.h"

namespace leastwise::nginx {

// Takes the place of what nginx's method has set. `Attempt` is ours.
template <typename Attempt>
struct Method {
  Attempt* attempt;
  void* data;
  ngx_event_get_peer_pt get;
  ngx_event_free_peer_pt free;
  ngx_event_notify_peer_pt notify;
#if (NGX_SSL || NGX_COMPAT)
  ngx_event_set_peer_session_pt set_session;
  ngx_event_save_peer_session_pt save_session;
#endif

  static Method& of(void* data) noexcept { return *static_cast<Method*>(data); }

  // In `this`, which lives as long as the connection's request does.
  void put_before(ngx_peer_connection_t& pc) noexcept {
    data = pc.data;
    get = pc.get;
    free = pc.free;
    notify = pc.notify;
    pc.data = this;
#if (NGX_SSL || NGX_COMPAT)
    set_session = pc.set_session;
    save_session = pc.save_session;
    if (set_session != nullptr) {
      pc.set_session = [](ngx_peer_connection_t* c, void* d) noexcept -> ngx_int_t {
        return of(d).set_session(c, of(d).data);
      };
    }
    if (save_session != nullptr) {
      pc.save_session = [](ngx_peer_connection_t* c, void* d) noexcept {
        of(d).save_session(c, of(d).data);
      };
    }
#endif
  }
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_METHOD_H_
