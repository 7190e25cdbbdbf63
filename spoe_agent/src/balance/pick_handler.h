// PickHandler: answers HAProxy's question with the name of a server.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_PICK_HANDLER_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_PICK_HANDLER_H_

#include "balance/feedback.h"
#include "balance/registry.h"
#include "serve/batch_handler.h"
#include "serve/counters.h"
#include "spop/pick_message.h"

namespace leastwise::agent {

// Sets txn.leastwise.srv, and txn.leastwise.srv2 to the runner-up, for when HAProxy finds the
// first one down. Whenever there is no good answer it gives none, and HAProxy balances by itself:
// an invented name would end HAProxy's list of use-server rules.
//
// Belongs to the pick thread. No lock that waits, allocation or exception, and no system call but
// to signal `wake`.
class PickHandler final : public BatchHandler {
 public:
  // `wake` is signalled at each first token, and each time a quarter of the ring was filled.
  // Throws when there are no random numbers to be had.
  PickHandler(Registry& registry, TicketRing& ring, const Fd& wake, PickCounters& counters);

  void begin(TimePoint now, bool is_outdated) noexcept override {
    now_ = now;
    is_outdated_ = is_outdated;
  }

  void on_notify(spop::Messages messages, spop::Actions& actions) noexcept override;
  void on_hello(const spop::Hello& hello) noexcept override;

 private:
  Picked pick_by_script(Backend& backend, Request& request, spop::Messages messages) noexcept;
  void track(Backend& backend, const Ticket& ticket) noexcept;
  void on_token(spop::Messages messages) noexcept;
  bool push(const Note& note) noexcept;

  Registry& registry_;
  TicketRing& ring_;
  const Fd& wake_;
  PickCounters& counters_;
  TimePoint now_{};
  bool is_outdated_ = false;
  std::size_t pushed_ = 0;
  spop::PickMessage message_;
  const std::uint64_t secret_;  // of prompts
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_PICK_HANDLER_H_
