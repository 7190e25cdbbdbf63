#include "shared/timer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>

#include "shared/script.h"
#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

constexpr ngx_msec_t kTurnMs = 100;
constexpr ngx_uint_t kIdleTurns = 10;  // a pool that is not used has one look in so many
constexpr Duration kIdlePatience = std::chrono::milliseconds(kTurnMs * (kIdleTurns - 1));
constexpr ngx_uint_t kSlowTurns = 5;   // that are one, as long as this process uses no pool
constexpr ngx_uint_t kRestTurns = 50;  // of those, one at rest
constexpr Duration kRestPatience = std::chrono::milliseconds(kTurnMs * (kRestTurns - 1));
constexpr Duration kOldPatience =
    std::chrono::seconds(2);          // longer, of a process with an old configuration
constexpr ngx_msec_t kUsedMs = 2000;  // since the last pick or answer
constexpr ngx_msec_t kHealMs = 1000;
constexpr ngx_msec_t kAskMs = 500;                          // whether a process is alive
constexpr Duration kAtOnce = std::chrono::milliseconds(1);  // of the event loop's time

// What a look needs when nothing is to be done; a look at idle upstreams costs what memory it
// touches.
struct Place {
  Upstream* upstream;
  Pool pool;
  std::uint32_t configuration;
  ngx_msec_t used;  // ngx_current_msec
  bool rests;       // it did at the last look
};

// The upstreams of this process, side by side in an array of its own.
class Roster {
 public:
  // Whose they are changes with each reload when there is no master.
  void renew() noexcept {
    const auto* cycle = const_cast<const ngx_cycle_t*>(ngx_cycle);
    if (cycle == cycle_) return;
    std::size_t n = 0;
    for_each_upstream(*cycle, [&n](Upstream&) noexcept { ++n; });
    auto* memory = static_cast<Place*>(ngx_alloc(n * sizeof(Place) + 1, cycle->log));
    if (memory == nullptr) return;
    std::size_t i = 0;
    has_scripts_ = false;
    for_each_upstream(*cycle, [&](Upstream& upstream) noexcept {
      upstream.worker.place = static_cast<std::uint32_t>(i);
      has_scripts_ |= upstream.script != nullptr;
      new (&memory[i++])
          Place{&upstream, upstream.pool, upstream.configuration, ngx_current_msec, false};
    });
    ngx_free(places_.data());
    places_ = {memory, n};
    cycle_ = cycle;
  }
  bool is_current() const noexcept { return cycle_ == ngx_cycle; }
  bool has_scripts() const noexcept { return has_scripts_; }
  std::span<Place> places() const noexcept { return places_; }

 private:
  const ngx_cycle_t* cycle_ = nullptr;
  bool has_scripts_ = false;
  std::span<Place> places_;
};

Roster roster;

// One for all turns of a process, and independent of any configuration: without a master the first
// one's memory goes while the timer still runs.
ngx_event_t timer;
ngx_event_t rest_of_turn;
ngx_connection_t nobody;  // nginx's debug log reads a file number from it
ngx_uint_t turn;
ngx_uint_t turns_at_once = 1;
std::size_t cursor;  // where the turn is

void tell_fallback(const Upstream& upstream, Chooser before) noexcept {
  const Chooser after = upstream.pool.chooser();
  if (after == Chooser::kFallback && before != after) {
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "\"adaptive\" answered slower than \"least_conn\" would in upstream \"%V\": "
                  "least_conn has it for a while; see \"model\" in leastwise_status",
                  &upstream.shown_name);
  } else if (before == Chooser::kFallback && before != after) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "\"adaptive\" has upstream \"%V\" back, to be compared anew",
                  &upstream.shown_name);
  }
}

bool is_used(const Place& place) noexcept { return ngx_current_msec - place.used < kUsedMs; }

// Whether its turn has come. A pool at rest is looked at so seldom that the other processes' looks
// come in between.
bool has_turn(const Place& place) noexcept {
  const ngx_uint_t at = cursor + own_pid() + turn;
  return is_used(place) || at % (place.rests ? kRestTurns : kIdleTurns) < turns_at_once;
}

// How much longer than its period a pool may be overdue before this process ticks it.
Duration patience_with(const Place& place) noexcept {
  const Duration unused = place.rests ? kRestPatience : kIdlePatience;
  if (!place.pool.is_newest(place.configuration)) return unused + kOldPatience;
  return is_used(place) ? Duration::zero() : unused;
}

// True if it was this process that ticked.
bool tick(Upstream& upstream, Duration patience) noexcept {
  if (!upstream.worker.picker) {
    // Without a master, a reload brings new upstreams into a process that runs already.
    const ListLock lock(upstream);
    prepare(upstream);
  }
  const Chooser before = upstream.pool.chooser();
  const bool ticked = upstream.pool.tick(upstream.config, now(), patience, upstream.worker.slot);
  if (ticked) tell_fallback(upstream, before);
  // Also when another process is in the tick, long after it was due: it may be dead.
  if (ngx_current_msec - upstream.worker.healed >= kHealMs) heal(upstream);
  if (upstream.pool.is_in_doubt()) note_use(upstream);  // the next ticks settle it
  return ticked;
}

// Looks at what is due, until all is done or too much time went by.
void go_on(ngx_event_t*) noexcept {
  if (is_leaving()) return;
  roster.renew();
  const auto places = roster.places();
  const TimePoint start = now();
  for (; cursor < places.size(); ++cursor) {
    Place& place = places[cursor];
    if (!has_turn(place)) continue;
    place.rests = place.pool.is_at_rest();
    const Duration patience = patience_with(place);
    if (!place.pool.is_due(start, patience) || !tick(*place.upstream, patience)) continue;
    if (now() - start < kAtOnce) continue;
    ++cursor;
    ngx_post_event(&rest_of_turn, &ngx_posted_next_events);
    return;
  }
}

// Each process has its own, whoever ticks the pool.
void tick_scripts() noexcept {
  if (!roster.has_scripts() || !roster.is_current()) return;
  for (const Place& place : roster.places()) {
    if (place.upstream->script != nullptr) tick_script(*place.upstream);
  }
}

// A process that uses nothing wakes up less often: most of what that costs is waking up.
ngx_uint_t turns_ahead() noexcept {
  const bool has_work = rest_of_turn.posted || roster.has_scripts() || !roster.is_current() ||
                        std::ranges::any_of(roster.places(), is_used);
  return has_work ? 1 : kSlowTurns;
}

void on_timer(ngx_event_t* event) noexcept {
  if (is_leaving()) return;
  event->log = ngx_cycle->log;
  rest_of_turn.log = ngx_cycle->log;
  if (cursor >= roster.places().size() || !roster.is_current()) {
    cursor = 0;
    turn += turns_at_once;
    if (turn % kIdleTurns < turns_at_once && lacks_rows()) {
      for_each_upstream(*ngx_cycle, [](Upstream& upstream) noexcept { join_late(upstream); });
    }
  }
  if (!rest_of_turn.posted) go_on(event);
  tick_scripts();
  turns_at_once = turns_ahead();
  ngx_add_timer(event, kTurnMs * turns_at_once);
}

// When a process was started, in the kernel's ticks since it was; 0 when /proc does not say.
std::uint32_t birth_of(std::uint32_t pid) noexcept {
  constexpr int kField = 22 - 2;  // counted from behind the name, which may hold anything
  std::array<char, 32> path{};
  std::array<char, 512> text{};
  std::snprintf(path.data(), path.size(), "/proc/%u/stat", pid);
  const int file = open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t size = read(file, text.data(), text.size() - 1);
  close(file);
  const char* at = size > 0 ? std::strrchr(text.data(), ')') : nullptr;
  for (int field = 0; at != nullptr && field < kField; ++field) at = std::strchr(at + 1, ' ');
  return at == nullptr ? 0 : static_cast<std::uint32_t>(std::strtoull(at, nullptr, 10));
}

void learn(ngx_event_t* event) noexcept {
  if (is_leaving()) return;
  Upstream& upstream = *static_cast<Upstream*>(event->data);
  upstream.pool.catch_up(upstream.config, now(), upstream.worker.slot);
}

}  // namespace

bool is_leaving() noexcept { return ngx_exiting || ngx_quit || ngx_terminate; }

std::uint32_t own_pid() noexcept { return static_cast<std::uint32_t>(ngx_pid); }

const Incarnation& self() noexcept {
  static Incarnation known;
  // Once for each process: a fork inherits its parent's.
  if (known.pid != own_pid()) known = {own_pid(), birth_of(own_pid())};
  return known;
}

bool is_alive(Incarnation who) noexcept {
  struct Seen {
    Incarnation who;
    ngx_msec_t at;
  };
  static std::array<Seen, 256> seen;
  Seen& known = seen[who.pid % seen.size()];
  if (known.who == who && ngx_current_msec - known.at < kAskMs) return true;
  if (kill(static_cast<pid_t>(who.pid), 0) != 0 && errno != EPERM) return false;
  const std::uint32_t born = who.born != 0 ? birth_of(who.pid) : 0;
  if (born != 0 && born != who.born) return false;  // another process has its pid now
  // Only a yes is kept: the number of a process that ended may be another's at any time.
  known = {who, ngx_current_msec};
  return true;
}

void heal(Upstream& upstream) noexcept {
  upstream.worker.healed = ngx_current_msec;
  const std::uint64_t healed = upstream.pool.heal(self(), is_alive);
  if (healed == 0) return;
  ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                "%uL requests in flight in upstream \"%V\" given back for workers that died",
                healed, &upstream.shown_name);
}

void start_timer(ngx_log_t* log) noexcept {
  if (timer.timer_set) return;
  nobody.fd = static_cast<ngx_socket_t>(-1);
  timer.data = &nobody;
  timer.handler = on_timer;
  timer.log = log;
  timer.cancelable = 1;  // a worker that shuts down does not wait for it
  rest_of_turn.data = &nobody;
  rest_of_turn.handler = go_on;
  rest_of_turn.log = log;
  ngx_add_timer(&timer, kTurnMs);
}

void note_use(const Upstream& upstream) noexcept {
  const auto places = roster.places();
  if (upstream.worker.place < places.size()) places[upstream.worker.place].used = ngx_current_msec;
  if (turns_at_once == 1 || !timer.timer_set || is_leaving()) return;
  turns_at_once = 1;
  ngx_add_timer(&timer, kTurnMs);
}

void on_answer(Upstream& upstream) noexcept {
  note_use(upstream);
  if (is_leaving() || !upstream.pool.is_behind(upstream.worker.slot)) return;
  ngx_event_t& event = upstream.worker.learning;
  event.data = &upstream;
  event.handler = learn;
  event.log = ngx_cycle->log;
  ngx_post_event(&event, &ngx_posted_events);
}

}  // namespace leastwise::nginx
