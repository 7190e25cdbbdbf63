// Admin: the status page over HTTP, on a thread of its own.
//
//   GET /         the live page (/?json: its data)  GET /status   JSON
//   GET /healthz  200 when the agent can pick       GET /metrics  Prometheus
//   /control/…    changes servers, for who has the token: control.h
//
// All but the last is read only, so there is nothing to forge. No other method, no other path. Its
// connections are few and its own: however many are opened, those of HAProxy's port are not
// touched.
#ifndef LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_
#define LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_

#include <string>
#include <string_view>
#include <utility>

#include "admin/control.h"
#include "admin/status.h"
#include "serve/counters.h"
#include "serve/http.h"
#include "serve/server.h"

namespace leastwise::agent {

class Admin final : Site {
 public:
  Admin(Fd listener, const StatusSources& sources, std::string control_token);

  void run() noexcept { server_.run(); }    // until stop()
  void stop() noexcept { server_.stop(); }  // by any thread
  const Counter& rounds() const noexcept { return server_.rounds(); }
  void set_control_token(std::string token) { control_.set_token(std::move(token)); }

 private:
  Answer get(std::string_view path, std::string_view query) override;
  bool acts_at(std::string_view path) const noexcept override { return Control::is_at(path); }
  Answer act(const ActRequest& request) override { return control_.act(request); }

  const StatusSources sources_;
  Control control_;
  ConnectionCounters counters_;
  HttpProtocol protocol_;
  Server server_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_ADMIN_ADMIN_H_
