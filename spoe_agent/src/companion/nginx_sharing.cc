#include "companion/nginx_sharing.h"

#include <pthread.h>

#include <utility>

namespace leastwise::companion {

NginxSharing::NginxSharing(const std::string& socket, agent::RedisUrl url, agent::ShareTls tls,
                           bool counts)
    : pools_(socket, counts),
      sharing_(pools_, counters_, std::move(url), std::move(tls)),
      thread_([this] {
        ::pthread_setname_np(::pthread_self(), "leastwise-share");
        sharing_.run();
      }) {}

NginxSharing::~NginxSharing() {
  sharing_.stop();
  thread_.join();
}

ShareFigures NginxSharing::figures() const noexcept {
  return {.is_connected = counters_.connected.get() != 0,
          .tellers = counters_.tellers.get(),
          .told = counters_.told.get(),
          .heard = counters_.heard.get(),
          .refused = counters_.refused.get(),
          .errors = counters_.errors.get(),
          .bytes = counters_.bytes.get()};
}

}  // namespace leastwise::companion
