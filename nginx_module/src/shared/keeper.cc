#include "shared/keeper.h"

#include <cerrno>
#include <new>
#include <span>

#include "shared/timer.h"
#include "shared/upstream.h"
#include "state/file.h"
#include "state/owner.h"
#include "state/writer.h"

namespace leastwise::nginx {
namespace {

constexpr ngx_msec_t kTurnMs = 250;
constexpr ngx_msec_t kLearnedMs = 10'000;
constexpr ngx_msec_t kAgainMs = 5000;    // after it could not be written
constexpr ngx_msec_t kForeignMs = 2000;  // until another nginx that writes it is told of

// What this process has of one upstream's file.
struct Keeper {
  Upstream* upstream = nullptr;
  FileLock lock;
  Writer writer;
  bool is_first = false;          // nothing was written since the lock was taken,
  bool is_first_learned = false;  // of what was learned
  std::uint32_t changes = 0;      // of the pool, that were written
  bool with_learned = false;      // what is being written
  std::uint64_t samples = 0;      // that the pool had learned from when that was written,
  std::uint64_t next_samples = 0;
  ngx_msec_t learned = 0;  // and when
  bool is_failing = false;
  ngx_msec_t failed = 0;    // when
  bool is_foreign = false;  // another nginx had the lock when that was last seen,
  ngx_msec_t foreign = 0;   // first then;
  bool is_told = false;     // and the log says so
  ngx_msec_t asked = 0;     // whose it is, last

  Task task() const noexcept {
    return {.pool = upstream->pool,
            .prefix = view(upstream->state.prefix),
            .file = upstream->state.path(),
            .is_first = is_first,
            .with_learned = with_learned,
            .is_first_learned = is_first_learned};
  }
};

// Those of this process; of one cycle at a time.
std::span<Keeper> keepers;
const ngx_cycle_t* cycle_of_keepers = nullptr;
ngx_event_t turn;
ngx_connection_t nobody;  // nginx's debug log reads a file number from it

void tell_failure(Keeper& k, int error) noexcept {
  k.failed = ngx_current_msec;
  if (k.is_failing) return;
  k.is_failing = true;
  ngx_log_error(
      NGX_LOG_ERR, ngx_cycle->log, error,
      "\"leastwise_state\": \"%V\" can not be written: changes to upstream \"%V\" and what was "
      "learned would not outlive a restart; mend the folder or the disk, it is tried again every "
      "%M s",
      &k.upstream->state.name, &k.upstream->shown_name, kAgainMs / 1000);
}

void tell(Keeper& k, const Written& written) noexcept {
  const StateFile& state = k.upstream->state;
  if (written.was_kept_aside) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "\"leastwise_state\": what was in \"%V\" is kept as \"%V.kept\"", &state.name,
                  &state.name);
  }
  if (written.error != 0) return tell_failure(k, written.error);
  k.is_first = false;
  if (k.with_learned) {
    k.is_first_learned = false;
    k.samples = k.next_samples;
    k.learned = ngx_current_msec;
  }
  if (!k.is_failing) return;
  k.is_failing = false;
  ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "\"leastwise_state\": \"%V\" is written again",
                &state.name);
}

std::uint64_t parent_of_master = 0;  // when it is an old binary's master

Owner own() noexcept {
  const pid_t master = ngx_process == NGX_PROCESS_SINGLE ? getpid() : getppid();
  return {.space = own_space(),
          .master = static_cast<std::uint64_t>(master),
          .parent = parent_of_master};
}

void tell_foreign(const Keeper& k, const Owner& other) noexcept {
  const StateFile& state = k.upstream->state;
  ngx_log_error(
      NGX_LOG_ERR, ngx_cycle->log, 0,
      "\"leastwise_state\": \"%V\" is written by another nginx (its master is process %uL%s): "
      "changes to upstream \"%V\" and what is learned here will not outlive a restart; name "
      "another file in %V:%ui, or stop that nginx",
      &state.name, other.master, other.space == own_space() ? "" : " of another container",
      &k.upstream->shown_name, &state.place.file, state.place.line);
}

// It is this nginx's again, by whichever worker.
void tell_own(Keeper& k) noexcept {
  if (k.is_told) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "\"leastwise_state\": \"%V\" is written by this nginx now",
                  &k.upstream->state.name);
  }
  k.is_foreign = k.is_told = false;
}

// Another process has the lock. Of this nginx that is as it should be; of another one it is told,
// by one worker, unless that is about to end.
void look_who(Keeper& k) noexcept {
  const bool is_settled = k.asked != 0 && k.is_foreign == k.is_told;
  if (ngx_worker != 0 || (is_settled && ngx_current_msec - k.asked < kForeignMs)) return;
  k.asked = ngx_current_msec;
  const std::optional<Owner> other = FileLock::owner_of(k.upstream->state.path());
  if (!other || is_one_nginx(*other, own())) return tell_own(k);
  if (!k.is_foreign) k.foreign = ngx_current_msec;
  k.is_foreign = true;
  if (k.is_told || ngx_current_msec - k.foreign < kForeignMs) return;
  k.is_told = true;
  tell_foreign(k, *other);
}

// True when this process is the one that writes.
bool hold(Keeper& k) noexcept {
  if (k.lock.is_held()) return true;
  const int error = k.lock.take(k.upstream->state.path(), own());
  if (error == EWOULDBLOCK) look_who(k);
  if (error != 0) {
    if (error != EWOULDBLOCK) tell_failure(k, error);
    return false;
  }
  tell_own(k);
  k.is_first = k.is_first_learned = true;
  k.learned = ngx_current_msec;
  return true;
}

bool is_newest(const Keeper& k) noexcept {
  return k.upstream->pool.is_newest(k.upstream->configuration);
}

void look(Keeper& k) noexcept {
  Written written;
  if (k.writer.collect(written)) tell(k, written);
  if (k.writer.is_busy()) return;
  if (is_leaving() || !is_newest(k)) return k.lock.release();
  if (k.is_failing && ngx_current_msec - k.failed < kAgainMs) return;
  if (!hold(k)) return;
  // Before they are written: what comes meanwhile is written next time.
  const std::uint32_t changes = k.upstream->pool.changes();
  k.next_samples = k.upstream->pool.samples();
  k.with_learned = ngx_current_msec - k.learned >= kLearnedMs && k.next_samples != k.samples;
  if (!k.is_first && !k.is_failing && !k.with_learned && changes == k.changes) return;
  k.changes = changes;
  k.writer.start(k.task());
}

// The last word, when no other process has the lock.
void end(Keeper& k) noexcept {
  Written written;
  k.writer.wait();
  if (k.writer.collect(written)) tell(k, written);
  if (is_newest(k) && hold(k)) {
    k.with_learned = true;
    Task task = k.task();
    task.is_last = true;
    tell(k, write_now(task));
  }
  k.lock.release();
}

void drop_all() noexcept {
  for (Keeper& k : keepers) {
    end(k);
    k.~Keeper();
  }
  if (!keepers.empty()) ngx_free(keepers.data());
  keepers = {};
}

// Whose they are changes with each reload when there is no master.
void renew(const ngx_cycle_t& cycle) noexcept {
  if (cycle_of_keepers == &cycle) return;
  drop_all();
  std::size_t n = 0;
  for_each_upstream(cycle, [&](const Upstream& u) noexcept { n += u.state.is_on() ? 1U : 0U; });
  if (n != 0) {
    auto* memory = static_cast<Keeper*>(ngx_alloc(n * sizeof(Keeper), cycle.log));
    if (memory == nullptr) return;
    std::size_t i = 0;
    for_each_upstream(cycle, [&](Upstream& u) noexcept {
      if (u.state.is_on()) (new (&memory[i++]) Keeper{})->upstream = &u;
    });
    keepers = {memory, n};
  }
  cycle_of_keepers = &cycle;
}

void on_turn(ngx_event_t* event) noexcept {
  event->log = ngx_cycle->log;
  renew(*const_cast<const ngx_cycle_t*>(ngx_cycle));
  bool is_busy = false;
  for (Keeper& k : keepers) {
    look(k);
    is_busy |= k.writer.is_busy();
  }
  if (!is_leaving() || is_busy) ngx_add_timer(event, kTurnMs);
}

}  // namespace

void start_keepers(const ngx_cycle_t& cycle) noexcept {
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return;
  renew(cycle);
  // Without a master a reload may bring the first, into a process that runs already.
  if (turn.timer_set || (keepers.empty() && ngx_process != NGX_PROCESS_SINGLE)) return;
  nobody.fd = static_cast<ngx_socket_t>(-1);
  turn.data = &nobody;
  turn.handler = on_turn;
  turn.log = cycle.log;
  turn.cancelable = 1;  // a worker that shuts down does not wait for it
  ngx_add_timer(&turn, 1);
}

void end_keepers() noexcept { drop_all(); }

void settle_keepers() noexcept {
  parent_of_master = ngx_inherited != 0 ? static_cast<std::uint64_t>(getppid()) : 0;
  if (ngx_process != NGX_PROCESS_SINGLE) return;
  drop_all();
  cycle_of_keepers = nullptr;
}

}  // namespace leastwise::nginx
