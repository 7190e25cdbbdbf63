// SpoeProtocol: the port on which HAProxy asks.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_SPOE_PROTOCOL_H_
#define LEASTWISE_SPOE_AGENT_SERVE_SPOE_PROTOCOL_H_

#include "serve/batch_handler.h"
#include "serve/counters.h"
#include "serve/session.h"

namespace leastwise::agent {

class SpoeProtocol final : public Protocol {
 public:
  // `handler` and `counters` outlive all sessions.
  SpoeProtocol(BatchHandler& handler, PickCounters& counters) noexcept
      : handler_(handler), counters_(counters) {}

  void begin(TimePoint now, bool is_outdated) noexcept override {
    handler_.begin(now, is_outdated);
  }
  std::unique_ptr<Session> open() noexcept override;

 private:
  BatchHandler& handler_;
  PickCounters& counters_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_SPOE_PROTOCOL_H_
