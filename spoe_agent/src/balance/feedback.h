// Feedback: brings each pick together with the log line that tells how it ended.
//
// Lives on the learning thread. Picks arrive through a ring from the pick thread, and are in it
// before HAProxy has its answer; so whoever drains the ring after a line was received has the pick
// of that line, if there is one. See tickets.h for what else can happen. Time comes from outside.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_FEEDBACK_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_FEEDBACK_H_

#include <functional>
#include <string_view>

#include "balance/backend.h"
#include "balance/tickets.h"
#include "haproxy/feedback_line.h"
#include "serve/counters.h"
#include "serve/spsc_ring.h"

namespace leastwise::agent {

// A pick, or of one that was made before that its answer begins.
struct Note {
  OpenTicket pick;
  TimePoint first_token{};  // none: it is a pick
};

using TicketRing = SpscRing<Note>;

class Feedback final : public OpenPicks {
 public:
  static constexpr std::size_t kCapacity = 131072;

  Feedback(TicketRing& ring, FeedbackCounters& counters, std::size_t capacity = kCapacity)
      : ring_(ring), counters_(counters), tickets_(capacity) {}

  // A datagram that arrived at `now`.
  void on_line(std::string_view line, TimePoint now);

  // Takes over the picks that were made since the last call.
  void drain(TimePoint now);

  // Finishes what is overdue. Call every 50 ms or so.
  void expire(TimePoint now);

  void for_each(const std::function<void(OpenTicket&)>& visit, TimePoint now) override;

 private:
  void open(const OpenTicket& ticket, TimePoint now) noexcept;
  void answer(RequestId id, TimePoint first_token) noexcept;
  void finish(const OpenTicket& open, const FeedbackLine& line, TimePoint now) noexcept;
  void finish_elsewhere(const OpenTicket& open, const FeedbackLine& line, TimePoint now) noexcept;
  void learn_late(const OpenTicket& late, const FeedbackLine& line, TimePoint now) noexcept;
  void count_open() noexcept { counters_.open.set(tickets_.open_count()); }

  TicketRing& ring_;
  FeedbackCounters& counters_;
  Tickets tickets_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_FEEDBACK_H_
