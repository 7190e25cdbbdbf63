#include "balance/tickets.h"

#include <algorithm>
#include <bit>

namespace leastwise::agent {

Duration patience(const Ticket& ticket) noexcept {
  constexpr float kLeast = 0.2F;
  constexpr float kMost = 8.0F;
  // In this order a NaN becomes kLeast.
  const float wanted = std::min(kMost, std::max(kLeast, 100 * ticket.delay));
  return Duration(static_cast<std::int64_t>(wanted * 1e6F));
}

Tickets::Tickets(std::size_t capacity)
    : capacity_(capacity),
      mask_(std::bit_ceil(capacity) - 1),
      entries_(std::make_unique_for_overwrite<Entry[]>(capacity)),
      buckets_(std::make_unique_for_overwrite<std::uint32_t[]>(mask_ + 1)) {
  std::fill_n(buckets_.get(), mask_ + 1, kNone);
}

Tickets::Opened Tickets::open(const OpenTicket& ticket, TimePoint now) noexcept {
  if (const std::uint32_t known = find(ticket.id); known != kNone) {
    if (entries_[known].state == State::kOpen) return Opened::kDuplicate;
    const bool came_first = entries_[known].state == State::kTombstone;
    remove(known);
    if (came_first) return Opened::kLogCameFirst;
  }
  const std::uint32_t i = insert(ticket.id);
  if (i == kNone) return Opened::kFull;
  if (step_ < 0) step_ = step_of(now);
  Entry& entry = entries_[i];
  entry.ticket = ticket;
  entry.state = State::kOpen;
  // Not before the slot that expire() looks at next, or it would wait for a whole turn.
  entry.due = std::max(now + patience(ticket.ticket), TimePoint(kStep * (step_ + 1)));
  ++open_;
  append(i);
  return Opened::kYes;
}

Tickets::Closed Tickets::close(RequestId id, TimePoint now, OpenTicket& ticket) noexcept {
  std::uint32_t i = find(id);
  if (i != kNone && entries_[i].state != State::kTombstone) {
    ticket = entries_[i].ticket;
    const Closed result = entries_[i].state == State::kOpen ? Closed::kOpen : Closed::kLate;
    remove(i);
    return result;
  }
  if (i != kNone) {
    unlink(i);
  } else if (i = insert(id); i == kNone) {
    return Closed::kUnknown;
  }
  entries_[i].state = State::kTombstone;
  entries_[i].due = now + kTombstone;
  append(i);
  return Closed::kUnknown;
}

OpenTicket* Tickets::find_open(RequestId id) noexcept {
  const std::uint32_t i = find(id);
  return i != kNone && entries_[i].state == State::kOpen ? &entries_[i].ticket : nullptr;
}

Tickets::List& Tickets::list_of(const Entry& entry) noexcept {
  if (entry.state == State::kLate) return late_;
  if (entry.state == State::kTombstone) return tombstones_;
  return wheel_[static_cast<std::uint64_t>(step_of(entry.due)) % kSlots];
}

void Tickets::append(std::uint32_t i) noexcept {
  List& list = list_of(entries_[i]);
  entries_[i].next = kNone;
  entries_[i].previous = list.last;
  (list.last == kNone ? list.first : entries_[list.last].next) = i;
  list.last = i;
}

void Tickets::unlink(std::uint32_t i) noexcept {
  const Entry& entry = entries_[i];
  List& list = list_of(entry);
  (entry.previous == kNone ? list.first : entries_[entry.previous].next) = entry.next;
  (entry.next == kNone ? list.last : entries_[entry.next].previous) = entry.previous;
}

std::uint32_t Tickets::find(RequestId id) const noexcept {
  std::uint32_t i = buckets_[id.low & mask_];
  while (i != kNone && entries_[i].ticket.id != id) i = entries_[i].chain;
  return i;
}

// kNone when every entry is an open ticket.
std::uint32_t Tickets::insert(RequestId id) noexcept {
  if (used_ == capacity_) {
    const std::uint32_t oldest = late_.first != kNone ? late_.first : tombstones_.first;
    if (oldest == kNone) return kNone;
    remove(oldest);
  }
  std::uint32_t i = free_;
  if (i != kNone) {
    free_ = entries_[i].chain;
  } else {
    i = touched_++;
    entries_[i] = {};
  }
  ++used_;
  std::uint32_t& bucket = buckets_[id.low & mask_];
  entries_[i].ticket.id = id;
  entries_[i].chain = bucket;
  bucket = i;
  return i;
}

void Tickets::remove(std::uint32_t i) noexcept {
  if (entries_[i].state == State::kOpen) --open_;
  unlink(i);
  std::uint32_t* link = &buckets_[entries_[i].ticket.id.low & mask_];
  while (*link != i) link = &entries_[*link].chain;
  *link = entries_[i].chain;
  entries_[i].chain = free_;
  free_ = i;
  --used_;
}

bool Tickets::may_stay(const Entry& entry, TimePoint now) const noexcept {
  return now - entry.ticket.ticket.start < kMostStay && open_ <= capacity_ / 2;
}

void Tickets::put_off(std::uint32_t i, TimePoint now) noexcept {
  unlink(i);
  entries_[i].due = now + patience(entries_[i].ticket.ticket);
  append(i);
}

void Tickets::make_late(std::uint32_t i, TimePoint now) noexcept {
  unlink(i);
  entries_[i].state = State::kLate;
  entries_[i].due = now + kLate;
  --open_;
  append(i);
}

// The next open ticket that is due. It is to be put off, or made late, before the next call.
std::uint32_t Tickets::next_due(TimePoint now) noexcept {
  if (step_ < 0) return kNone;
  const std::int64_t end = step_of(now);  // not reached: the slot of now is not over yet
  // After a long sleep one turn finds all there is.
  step_ = std::max(step_, end - std::int64_t{kSlots});
  while (step_ < end) {
    const std::uint32_t i = wheel_[static_cast<std::uint64_t>(step_) % kSlots].first;
    if (i == kNone) {
      ++step_;
      continue;
    }
    return i;
  }
  return kNone;
}

void Tickets::forget(TimePoint now) noexcept {
  for (List* list : {&late_, &tombstones_}) {
    while (list->first != kNone && entries_[list->first].due <= now) remove(list->first);
  }
}

}  // namespace leastwise::agent
