// Pool: which endpoints there are, an open hash table in shared memory.
#include <algorithm>
#include <cstring>
#include <functional>

#include "leastwise/pool.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using state::Hot;
using state::Record;
using state::Shared;
using state::Use;
using state::UseWord;

std::string_view name_of(const Record& record) noexcept {
  return {record.name.data(), std::min<std::size_t>(record.name_size.get(), kMaxEndpointName)};
}

// Ticks, since only they are counted while nobody is there to bring it back: ten seconds. A list of
// servers may miss one for an instant, and after a start it comes late; who is gone for longer may
// come back as another machine, or be put back by somebody who wants it to start afresh.
constexpr std::uint64_t kMissingTicks = 100;

bool is_long_gone(const Shared& shared, const Record& record) noexcept {
  return shared->ticks.get() - record.retired_at.get() > kMissingTicks;
}

bool is(const Record& record, std::uint64_t hash, std::string_view name) noexcept {
  return record.name_hash.get() == hash && name_of(record) == name;
}

void reset(const Shared& shared, std::size_t i) noexcept {
  Record& r = shared.records()[i];
  state::forget(shared, i);
  if (shared.has_prompts()) shared.prompts().reset(i);
  shared.records()[i].weight.set(1);
  shared.hot()[i].inverse_weight.set(1);
  shared.hot()[i].flags.set(0);
  shared->former_picks.add(r.picks.take(0));
  state::reset_window(shared.windows()[i]);
  state::reset_shadowed(shared.shadowed()[i]);
  for (auto& c : r.results) c.set(0);
  for (auto& c : r.responses) c.set(0);
  for (auto* c : {&r.bytes_sent, &r.bytes_received, &r.connect_us, &r.connects, &r.first_byte_us,
                  &r.first_bytes, &r.occupied_us, &r.healed, &r.forgiven}) {
    c->set(0);
  }
  for (auto& c : r.times) c.set(0);
  for (auto& c : r.ejections) c.set(0);
  r.changed.set(0);
  r.relapses.set(0);
  r.serves.set(0);
  r.warmth.set(0);
  r.reports.set(0);
  r.reports_refused.set(0);
  r.picks_seen.set(0);
  r.trial.set(0);
  r.refuses.set(0);
  r.guests.set(0);
  r.warm_since_ms.set(0);
  r.ejected_until_ms.set(0);
  r.probe.set(0);
  r.probes.set(0);
  r.probes_failed.set(0);
  r.scrape.set(0);
}

// A place as it was seen. seq_cst for all loads and changes of places in here: that of two which
// ask for one name at least one sees the other needs one order of all of them.
struct Seen {
  static constexpr std::size_t kNowhere = ~std::size_t{0};

  std::size_t at = kNowhere;
  UseWord word;

  explicit operator bool() const noexcept { return at != kNowhere; }
  friend bool operator==(const Seen&, const Seen&) noexcept = default;
};

// False when it is no longer as it was seen.
bool turn(const Shared& shared, const Seen& seen, Use use) noexcept {
  UseWord expected = seen.word;
  return shared.records()[seen.at].place.compare_exchange_strong(
      expected, seen.word.next(use), std::memory_order_seq_cst, std::memory_order_relaxed);
}

struct Name {
  std::uint64_t hash;
  std::string_view text;
};

// By another name.
bool is_reusable(Use use) noexcept { return use == Use::kRetired || use == Use::kSpare; }

// What the places hold that a name can be at, up to the first that is free.
struct Search {
  Seen in_use, asking, rival;  // of that name; the rival asks further back
  Seen retired;
  Seen room;  // for a name that is nowhere

  Search(const Shared& shared, const Name& name) noexcept {
    const std::size_t n = shared.capacity();
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = (name.hash + i) % n;
      const Record& record = shared.records()[at];
      const Seen seen{at, record.place.load(std::memory_order_seq_cst)};
      if (keep(seen, record, name)) continue;
      const Use use = seen.word.use();
      const bool idle = load::in_flight(shared.hot()[at].load.get()) == 0;
      if (!room && (use == Use::kFree || (is_reusable(use) && idle))) {
        room = seen;
      }
      if (use == Use::kFree) return;
    }
  }

 private:
  // False for a place that is not that name's.
  bool keep(const Seen& seen, const Record& record, const Name& name) noexcept {
    const Use use = seen.word.use();
    if (use != Use::kAsking && use != Use::kInUse && use != Use::kRetired) return false;
    if (!is(record, name.hash, name.text)) return false;
    Seen& slot = use == Use::kInUse     ? in_use
                 : use == Use::kRetired ? retired
                 : asking               ? rival
                                        : asking;
    if (!slot) slot = seen;
    // The place of a retired one may be room, too: not for its own name.
    return true;
  }
};

// Takes the place for the name and asks whether it may be in use there. From the first step to the
// last the place is the caller's alone; if it dies there, the place is lost until the pool is made
// anew.
void claim(const Shared& shared, const Seen& seen, const Name& name) noexcept {
  if (!turn(shared, seen, Use::kClaimed)) return;
  Record& record = shared.records()[seen.at];
  reset(shared, seen.at);
  record.name_hash.set(name.hash);
  record.name_size.set(static_cast<std::uint32_t>(name.text.size()));
  std::memcpy(record.name.data(), name.text.data(), name.text.size());
  record.name[name.text.size()] = '\0';
  turn(shared, {seen.at, seen.word.next(Use::kClaimed)}, Use::kAsking);
}

}  // namespace

namespace state {

void copy_ejection(const Record& from, Record& to) noexcept {
  to.relapses.set(from.relapses.get());
  to.ejected_until_ms.set(from.ejected_until_ms.get());
  to.ejected_ms.set(from.ejected_ms.get());
  to.ejected_why.set(from.ejected_why.get());
  to.failures_in_a_row.set(from.failures_in_a_row.get());
}

void copy_counters(const Record& from, Record& to) noexcept {
  to.picks.set(from.picks.get());
  for (std::size_t i = 0; i < kResults; ++i) to.results[i].set(from.results[i].get());
  for (std::size_t i = 0; i < from.responses.size(); ++i) {
    to.responses[i].set(from.responses[i].get());
  }
  to.bytes_sent.set(from.bytes_sent.get());
  to.bytes_received.set(from.bytes_received.get());
  to.connect_us.set(from.connect_us.get());
  to.connects.set(from.connects.get());
  to.first_byte_us.set(from.first_byte_us.get());
  to.first_bytes.set(from.first_bytes.get());
  to.occupied_us.set(from.occupied_us.get());
  to.healed.set(from.healed.get());
  to.forgiven.set(from.forgiven.get());
  to.reports.set(from.reports.get());
  to.reports_refused.set(from.reports_refused.get());
  to.probes.set(from.probes.get());
  to.probes_failed.set(from.probes_failed.get());
  for (std::size_t i = 0; i < kEjections; ++i) to.ejections[i].set(from.ejections[i].get());
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) to.times[i].set(from.times[i].get());
}

}  // namespace state

// A name is in use at one place at most, although nobody waits for anybody: who is slow to write a
// name may find it in use elsewhere when it is done. So a name that was written asks first, and is
// in use after a whole search, begun after it asked, that saw no other; of several that ask, the
// first stays. Whoever sees one that asks can do this for it, also when who wrote it is dead. Of
// two that ask, one at least is seen by the search of the other, which sends the one further back
// away: its own search then fails at the last step.
EndpointId Pool::add(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxEndpointName) return kNoEndpoint;
  const Shared shared = this->shared();
  const Name wanted{std::hash<std::string_view>{}(name), name};
  Seen asked;  // at the search before
  // A round that gets nowhere is one in which another process did. Damage ends it, too.
  for (std::size_t round = 0; round < 64 + 4 * std::size_t{capacity()}; ++round) {
    const Search found(shared, wanted);
    if (found.in_use) {
      if (found.asking) turn(shared, found.asking, Use::kSpare);
      return EndpointId{static_cast<std::uint32_t>(found.in_use.at)};
    }
    if (found.rival) {
      turn(shared, found.rival, Use::kSpare);
    } else if (found.asking) {
      if (found.asking == asked && turn(shared, asked, Use::kInUse)) {
        header_->endpoints.add(1);
        return EndpointId{static_cast<std::uint32_t>(asked.at)};
      }
    } else if (found.retired) {
      if (is_long_gone(shared, shared.records()[found.retired.at])) {
        claim(shared, found.retired, wanted);
      } else {
        turn(shared, found.retired, Use::kAsking);
      }
    } else if (found.room) {
      claim(shared, found.room, wanted);
    } else {
      return kNoEndpoint;
    }
    asked = found.asking;
  }
  return kNoEndpoint;
}

EndpointId Pool::find(std::string_view name) const noexcept {
  const EndpointId id = recall(name);
  return id != kNoEndpoint && in_use(id) ? id : kNoEndpoint;
}

EndpointId Pool::recall(std::string_view name) const noexcept {
  const Search found(shared(), {std::hash<std::string_view>{}(name), name});
  const Seen& seen = found.in_use ? found.in_use : found.retired;
  return seen ? EndpointId{static_cast<std::uint32_t>(seen.at)} : kNoEndpoint;
}

void Pool::retire(EndpointId id) noexcept {
  if (index(id) >= capacity()) return;
  Record& record = shared().records()[index(id)];
  const Seen seen{index(id), record.place.load(std::memory_order_seq_cst)};
  if (seen.word.use() != Use::kInUse) return;
  record.retired_at.set(header_->ticks.get());
  if (turn(shared(), seen, Use::kRetired)) {
    header_->endpoints.add(static_cast<std::uint32_t>(-1));
  }
}

std::size_t Pool::endpoints() const noexcept {
  return header_ == nullptr ? 0 : std::min<std::size_t>(header_->endpoints.get(), capacity());
}

EndpointId Pool::next(std::uint32_t place) const noexcept {
  for (; place < capacity(); ++place) {
    if (in_use(EndpointId{place})) return EndpointId{place};
  }
  return kNoEndpoint;
}

bool Pool::in_use(EndpointId id) const noexcept {
  // acquire: whoever sees it in use sees the name.
  const UseWord word = shared().records()[index(id)].place.load(std::memory_order_acquire);
  return word.use() == Use::kInUse;
}

std::uint32_t Pool::in_flight(EndpointId id) const noexcept {
  return load::in_flight(shared().hot()[index(id)].load.get());
}

}  // namespace leastwise
