// NginxSharing: nginx and other balancers tell each other what they have in flight, on a thread of
// its own (share/sharing.h).
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_NGINX_SHARING_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_NGINX_SHARING_H_

#include <string>
#include <thread>

#include "companion/metrics.h"
#include "config/redis_url.h"
#include "config/share_tls.h"
#include "drive/nginx_pools.h"
#include "serve/counters.h"
#include "share/sharing.h"

namespace leastwise::companion {

class NginxSharing {
 public:
  NginxSharing(const std::string& socket, agent::RedisUrl url, agent::ShareTls tls, bool counts);
  ~NginxSharing();
  NginxSharing(const NginxSharing&) = delete;
  NginxSharing& operator=(const NginxSharing&) = delete;

  ShareFigures figures() const noexcept;
  std::string trouble() const { return sharing_.error(); }  // empty: none

 private:
  agent::ShareCounters counters_;
  drive::NginxPools pools_;
  agent::Sharing sharing_;
  std::thread thread_;
};

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_NGINX_SHARING_H_
