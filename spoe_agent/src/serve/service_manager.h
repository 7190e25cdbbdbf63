// ServiceManager: what systemd, or whoever speaks like it, is told of the agent (sd_notify(3)).
// Without NOTIFY_SOCKET in the environment nothing of it happens.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_SERVICE_MANAGER_H_
#define LEASTWISE_SPOE_AGENT_SERVE_SERVICE_MANAGER_H_

#include <optional>
#include <string>

#include "leastwise/clock.h"

namespace leastwise::agent {

class ServiceManager {
 public:
  ServiceManager();

  // Each with what `systemctl status` shows from then on.
  void ready(const std::string& status);
  void reloading();
  void stopping();
  void show(const std::string& status);  // tells only what is new
  // To be told within watchdog(), or the process is killed and started anew.
  void is_alive();

  // Of WATCHDOG_USEC, if it is for this process.
  std::optional<Duration> watchdog() const noexcept { return watchdog_; }

 private:
  void tell(const std::string& words);

  bool is_there_;
  std::optional<Duration> watchdog_;
  std::string shown_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_SERVICE_MANAGER_H_
