// Admin: the status page over HTTP, on a thread of its own.
//
//   GET /         a page that refreshes itself      GET /status   JSON
//   GET /healthz  200 when the agent can pick       GET /metrics  Prometheus
//
// Read only, so there is nothing to forge. No other method, no other path.
#ifndef LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_
#define LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_

#include <memory>

#include "admin/status.h"
#include "config/address.h"

namespace leastwise::agent {

class Admin {
 public:
  // Listens. Throws std::runtime_error. REQUIRES: `address` is not a unix socket.
  Admin(const Address& address, const StatusSources& sources);
  ~Admin();

  void run();   // until stop()
  void stop();  // by any thread

 private:
  struct Http;
  std::unique_ptr<Http> http_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_
