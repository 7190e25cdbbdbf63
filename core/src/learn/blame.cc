// Who is to blame for a failure: the server, or the request.
//
// One attempt does not tell. When the same request fails alike on another server, and is answered
// well by none, the request is at fault: a URL whose handler is broken, a body that kills each
// worker that reads it. Then it counts against nobody, or one such URL among many takes all servers
// out of service. So the blame of a failure waits until the request is over or answered elsewhere;
// everything else of it is learned at once. No attempt is made for that: only those that the user's
// configuration makes anyway are looked at.
//
// A request that is not tried elsewhere is judged by its route: when the last failure of that route
// was on another server, and it has had no good answer since, then so.
//
// The bound: when kMostSuspects requests failed one after the other without one good answer of the
// pool between them, it is the pool that is down, and every failure is blamed at once. It is
// counted when a request fails for the first time, not when it is over: so it is also the bound on
// how many may wait for slow second attempts. With 15 % of requests at fault so many follow
// each other once in 10^13.
#include "learn/blame.h"

#include "leastwise/picker.h"

namespace leastwise {
namespace {

constexpr std::uint32_t kMostSuspects = 16;  // as many at 50 % once in 10^5; chosen by that

bool is_down(const state::Shared& shared) noexcept {
  return shared->suspects.get() >= kMostSuspects;
}

}  // namespace

// Takes in a failure, which is blamed for now, or waits.
void Picker::accuse(const Config& config, const Verdict::Failure& failure, TimePoint now,
                    Verdict* verdict) noexcept {
  const state::Shared shared = pool_.shared();
  if (fault(failure.result) == Fault::kServers) return blame(config, failure, now, verdict);
  const bool is_first = verdict == nullptr || verdict->empty();
  if (is_first && is_down(shared)) return blame(config, failure, now, verdict);
  if (is_first) shared->suspects.add(1);
  if (verdict == nullptr) return judge(config, failure, now, verdict);
  // It has failed on so many that one more says nothing new.
  if (verdict->count_ == Verdict::kMost) return forgive(failure, now, verdict);
  verdict->failures_[verdict->count_++] = failure;
}

// Of a failure that was not compared with another server's.
void Picker::judge(const Config& config, const Verdict::Failure& failure, TimePoint now,
                   Verdict* verdict) noexcept {
  const state::Shared shared = pool_.shared();
  const bool fails_everywhere =
      shared->failing.add(failure.route, static_cast<std::uint32_t>(failure.id),
                          fault(failure.result), milliseconds(now));
  if (fails_everywhere && !is_down(shared)) {
    forgive(failure, now, verdict);
  } else {
    blame(config, failure, now, verdict);
  }
}

void Picker::settle(const Config& config, Verdict& verdict, TimePoint now) noexcept {
  verdict.begin();
  const std::span failures(verdict.failures_.data(), verdict.count_);
  for (const Verdict::Failure& f : failures) {
    const bool failed_elsewhere = std::ranges::any_of(failures, [&](const Verdict::Failure& g) {
      return g.id != f.id && fault(g.result) == fault(f.result);
    });
    if (!failed_elsewhere) {
      judge(config, f, now, &verdict);
      continue;
    }
    pool_.shared()->failing.mark(f.route, static_cast<std::uint32_t>(f.id), fault(f.result),
                                 milliseconds(now));
    forgive(f, now, &verdict);
  }
  verdict.count_ = 0;
}

void Picker::blame_all(const Config& config, Verdict& verdict, TimePoint now) noexcept {
  verdict.begin();
  for (std::uint32_t i = 0; i < verdict.count_; ++i) {
    blame(config, verdict.failures_[i], now, &verdict);
  }
  verdict.count_ = 0;
}

void Picker::blame(const Config& config, const Verdict::Failure& failure, TimePoint now,
                   Verdict* verdict) noexcept {
  const std::size_t i = index(failure.id);
  if (i >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  const std::int64_t now_ms = milliseconds(now);
  learn_error(shared.hot()[i], true, now_ms);
  count_in_a_row(shared.records()[i], true);
  shared.records()[i].refuses.set(failure.result == Result::kRefused ? 1 : 0);
  if (failure.counts_as_fail) {
    const bool is_out = learn_health(shared.hot()[i], shared.records()[i], true, now_ms);
    shared->special.set(1);  // after the health word: see renew_special()
    if (verdict != nullptr && verdict->blamed_count_ < Verdict::kMost) {
      verdict->blamed_[verdict->blamed_count_++] = {.member = failure.member, .is_out = is_out};
    }
  }
  renew(config, failure.member, now);
}

void Picker::forgive(const Verdict::Failure& failure, TimePoint now, Verdict* verdict) noexcept {
  const std::size_t i = index(failure.id);
  if (i >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  shared.records()[i].forgiven.add(1);
  if (verdict != nullptr) ++verdict->forgiven_;
  state::Hot& endpoint = shared.hot()[i];
  if (endpoint.health.get() == 0) return;
  // A probe that told nothing: the next request may be one.
  endpoint.health.update([&](std::uint64_t word) noexcept -> std::uint64_t {
    Health h = health::unpack(word);
    if (!h.probing) return word;
    h.probing = false;
    h.until_ms = milliseconds(now);
    return health::pack(h);
  });
}

}  // namespace leastwise
