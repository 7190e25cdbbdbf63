// Control: servers looked at and changed at run time by whoever has the token (docs/control.md).
//
//   GET   /control/9/haproxy/upstreams/BACKEND/servers
//   GET   …/servers/NAME
//   PATCH …/servers/NAME             {"weight": 3, "drain": true}; null: as HAProxy has it
//   POST  …/servers/NAME/drain       eject, uneject, ready, reset
//
// The shape is that of leastwise_control in nginx, but for servers' names, which are HAProxy's.
// Only what the agent picks changes; HAProxy's own weights and states are its own.
#ifndef LEASTWISE_SPOE_AGENT_ADMIN_CONTROL_H_
#define LEASTWISE_SPOE_AGENT_ADMIN_CONTROL_H_

#include <mutex>
#include <string>
#include <string_view>

#include "balance/registry.h"
#include "serve/http.h"
#include "serve/log.h"

namespace leastwise::agent {

class Control {
 public:
  static constexpr std::string_view kPath = "/control";

  // Off while the token is empty.
  Control(const Registry& registry, std::string token)
      : registry_(registry), token_(std::move(token)) {}

  static bool is_at(std::string_view path) noexcept;
  Answer act(const ActRequest& request);

  void set_token(std::string token);  // by any thread

 private:
  bool is_allowed(std::string_view authorization, bool& is_off);

  const Registry& registry_;
  std::mutex mutex_;  // of the token
  std::string token_;
  Throttle may_complain_{std::chrono::seconds(10)};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_ADMIN_CONTROL_H_
