// Admin: the status page over HTTP, on a thread of its own.
//
//   GET /         the live page (/?json: its data)  GET /status   JSON
//   GET /healthz  200 when the agent can pick       GET /metrics  Prometheus
//
// Read only, so there is nothing to forge. No other method, no other path. Its connections are few
// and its own: however many are opened, those of HAProxy's port are not touched.
#ifndef LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_
#define LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_

#include "admin/http.h"
#include "admin/status.h"
#include "serve/counters.h"
#include "serve/server.h"

namespace leastwise::agent {

class Admin final : Site {
 public:
  Admin(Fd listener, const StatusSources& sources);

  void run() noexcept { server_.run(); }    // until stop()
  void stop() noexcept { server_.stop(); }  // by any thread
  const Counter& rounds() const noexcept { return server_.rounds(); }

 private:
  Answer get(std::string_view path, std::string_view query) override;

  const StatusSources sources_;
  ConnectionCounters counters_;
  HttpProtocol protocol_;
  Server server_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_
