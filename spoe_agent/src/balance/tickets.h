// Tickets: the picks whose log line has not come yet.
//
// Every pick gets exactly one finish. Five things can happen:
//   the line comes        close() gives the ticket back
//   it goes on            it keeps its place only (long polls, websockets, a model server's
//                         tokens), or HAProxy has as many
//                         in flight as we: it stays open, until its line comes or for an hour
//   no line comes in time expire() gives it back; it is remembered as late for kLate more, so that
//                         a slow answer, the one that teaches most, is still learned from
//   the line came first   (HAProxy 3.2, aborted requests) its id is a tombstone for kTombstone,
//                         and open() refuses the pick, which is to be finished at once
//   no room               open() refuses the pick likewise
//
// Bounded: `capacity` entries, about 170 bytes each, touched only as they are used. When it is
// full, the oldest of what is late, then the oldest tombstone makes room. All O(1), expire() per
// entry that is due. Time comes from outside. Not thread safe.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_TICKETS_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_TICKETS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "haproxy/request_id.h"
#include "leastwise/clock.h"
#include "leastwise/picker.h"

namespace leastwise::agent {

class Backend;

struct OpenTicket {
  RequestId id;
  Backend* backend = nullptr;
  Ticket ticket;
  TimePoint first_token{};  // when a model server's answer began, which goes on
  // All was learned then that there is to learn, and what is left is its place.
  bool is_answered = false;
};

// After which a pick is overdue: 100 times the delay that was predicted for it, at least 200 ms.
// At most 8 s, so that what was lost is made good within 10 s.
Duration patience(const Ticket& ticket) noexcept;

class Tickets {
 public:
  static constexpr Duration kTombstone = std::chrono::seconds(5);
  static constexpr Duration kLate = std::chrono::seconds(60);
  static constexpr Duration kMostStay = std::chrono::hours(1);

  // REQUIRES: 0 < capacity < 2^31.
  explicit Tickets(std::size_t capacity);

  enum class Opened : std::uint8_t { kYes, kLogCameFirst, kDuplicate, kFull };
  // kDuplicate: that id is open already; the new pick is refused.
  Opened open(const OpenTicket& ticket, TimePoint now) noexcept;

  enum class Closed : std::uint8_t { kOpen, kLate, kUnknown };
  // Takes the entry of `id` out into `ticket`. kLate: it was given back by expire() before.
  // kUnknown leaves a tombstone.
  Closed close(RequestId id, TimePoint now, OpenTicket& ticket) noexcept;

  // The open ticket of that id, nullptr if there is none. It may be changed, but for the id.
  OpenTicket* find_open(RequestId id) noexcept;

  // Calls visit(const OpenTicket&) for each open ticket whose time is up, and forgets what is
  // remembered long enough. keep(const OpenTicket&): whether it is known to go on; it is asked
  // again after as long.
  template <typename Visit, typename Keep>
  void expire(TimePoint now, Visit visit, Keep keep) {
    for (std::uint32_t i; (i = next_due(now)) != kNone;) {
      const OpenTicket& ticket = entries_[i].ticket;
      if (may_stay(entries_[i], now) &&
          (ticket.ticket.is_idle || ticket.first_token != TimePoint{} || keep(ticket))) {
        put_off(i, now);
      } else {
        make_late(i, now);
        visit(ticket);
      }
    }
    forget(now);
  }

  // Calls visit(OpenTicket&) for each open ticket; it may change the ticket, not the id.
  template <typename Visit>
  void for_each_open(Visit visit) {
    for (const List& list : wheel_) {
      for (std::uint32_t i = list.first; i != kNone; i = entries_[i].next)
        visit(entries_[i].ticket);
    }
  }

  std::size_t open_count() const noexcept { return open_; }
  std::size_t size() const noexcept { return used_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr Duration kStep = std::chrono::milliseconds(50);
  static constexpr std::uint32_t kSlots = 256;  // a turn of the wheel is longer than any patience

  enum class State : std::uint8_t { kOpen, kLate, kTombstone };
  struct List {
    std::uint32_t first = kNone, last = kNone;
  };
  struct Entry {
    OpenTicket ticket;
    TimePoint due;
    std::uint32_t chain;  // next of the same bucket, or next that is free
    std::uint32_t next, previous;
    State state;
  };

  // There is room for others.
  bool may_stay(const Entry& entry, TimePoint now) const noexcept;
  void put_off(std::uint32_t i, TimePoint now) noexcept;
  void make_late(std::uint32_t i, TimePoint now) noexcept;
  List& list_of(const Entry& entry) noexcept;
  void append(std::uint32_t i) noexcept;
  void unlink(std::uint32_t i) noexcept;
  std::uint32_t find(RequestId id) const noexcept;
  std::uint32_t insert(RequestId id) noexcept;
  void remove(std::uint32_t i) noexcept;
  std::uint32_t next_due(TimePoint now) noexcept;
  void forget(TimePoint now) noexcept;
  static std::int64_t step_of(TimePoint t) noexcept { return t.time_since_epoch() / kStep; }

  std::size_t capacity_;
  std::size_t mask_;
  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<std::uint32_t[]> buckets_;
  std::array<List, kSlots> wheel_;
  List late_;
  List tombstones_;
  std::uint32_t free_ = kNone;
  std::uint32_t touched_ = 0;  // entries that were ever used
  std::size_t used_ = 0;
  std::size_t open_ = 0;
  std::int64_t step_ = -1;  // the slot of the wheel that expire() has come to
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_TICKETS_H_
