// AgentCheck: the port at which HAProxy's agent-checks ask for weights, on a thread of its own.
//
// A check connects, sends "BACKEND/SERVER\n" (its agent-send), reads one line, such as "57%", and
// is done. Who sends no name, or too long a one, is closed without an answer, which HAProxy
// ignores.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_AGENT_CHECK_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_AGENT_CHECK_H_

#include <memory>

#include "balance/weight_answers.h"
#include "serve/counters.h"
#include "serve/server.h"

namespace leastwise::agent {

class AgentCheckProtocol final : public Protocol {
 public:
  // `answers` outlives all sessions.
  explicit AgentCheckProtocol(WeightAnswers& answers) noexcept : answers_(answers) {}
  void begin(TimePoint now, bool /*is_outdated*/) noexcept override { now_ = now; }
  std::unique_ptr<Session> open() noexcept override;

 private:
  WeightAnswers& answers_;
  TimePoint now_{};
};

class AgentCheck {
 public:
  AgentCheck(Fd listener, WeightAnswers& answers);

  void run() noexcept { server_.run(); }    // until stop()
  void stop() noexcept { server_.stop(); }  // by any thread
  const Counter& rounds() const noexcept { return server_.rounds(); }

 private:
  ConnectionCounters counters_;
  AgentCheckProtocol protocol_;
  Server server_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_AGENT_CHECK_H_
