// StatusPort: /metrics and /healthz, on a thread of its own, of figures that it is given. Whoever
// asks there holds nobody up.
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_STATUS_PORT_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_STATUS_PORT_H_

#include <mutex>
#include <string_view>
#include <thread>

#include "companion/metrics.h"
#include "config/address.h"
#include "serve/counters.h"
#include "serve/http.h"
#include "serve/server.h"

namespace leastwise::companion {

class StatusPort final : agent::Site {
 public:
  // Throws std::runtime_error when it can not listen there.
  explicit StatusPort(const agent::Address& address);
  ~StatusPort() override;
  StatusPort(const StatusPort&) = delete;
  StatusPort& operator=(const StatusPort&) = delete;

  void show(Figures figures);

 private:
  agent::Answer get(std::string_view path, std::string_view query) override;

  std::mutex mutex_;
  Figures figures_;  // under the mutex
  agent::ConnectionCounters counters_;
  agent::HttpProtocol protocol_;
  agent::Server server_;
  std::thread thread_;
};

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_STATUS_PORT_H_
