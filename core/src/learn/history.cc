#include "learn/history.h"

#include <algorithm>

#include "words/quantile.h"

namespace leastwise::state {
namespace {

constexpr std::uint64_t kTicksPerNote = 5;

struct Sums {
  std::uint64_t answers = 0, failures = 0;
  std::array<std::uint64_t, Histogram::kBuckets> times{};
};

std::uint64_t failures_of(const Record& record) noexcept {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < kResults; ++i) {
    if (is_failure(static_cast<Result>(i))) n += record.results[i].get();
  }
  return n;
}

// Also of those that left: what they counted before they did belongs to its step.
void add(const Record& record, Sums& sums) noexcept {
  sums.failures += failures_of(record);
  sums.answers += record.results[static_cast<std::size_t>(Result::kOk)].get();
  for (std::size_t b = 0; b < sums.times.size(); ++b) sums.times[b] += record.times[b].get();
}

void glance(const Record& record, std::int64_t now_ms, Window& window) noexcept {
  const std::size_t next = 1 - window.newer.get() % 2;
  Glance& g = window.glances[next];
  // Whoever joins begins with a glance at what it has, which is nothing.
  g.failures.set(static_cast<std::uint32_t>(failures_of(record)));
  for (std::size_t i = 0; i < g.responses.size(); ++i) {
    g.responses[i].set(static_cast<std::uint32_t>(record.responses[i].get()));
  }
  for (std::size_t b = 0; b < g.times.size(); ++b) {
    g.times[b].set(static_cast<std::uint32_t>(record.times[b].get()));
  }
  g.ms.set(now_ms);
  window.newer.set(static_cast<std::uint32_t>(next));
}

// When the last one is old enough, lies in the future since the clock went back, or never was.
bool is_due(const Window& window, std::int64_t now_ms) noexcept {
  const std::int64_t last = window.glances[window.newer.get() % 2].ms.get();
  return last == 0 || now_ms - last >= Window::kWindowMs || now_ms < last;
}

// An endpoint whose place another name took has taken its counts along: what is missing counts
// as nothing.
std::uint32_t grown(std::uint64_t from, std::uint64_t to) noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(to > from ? to - from : 0, UINT32_MAX));
}

void write_moment(History& history, const Sums& sums, std::int64_t now_ms,
                  std::int64_t span_ms) noexcept {
  const std::uint32_t n = history.next.get();
  Moment& moment = history.moments[n % History::kMoments];
  BucketCounts counts;
  for (std::size_t b = 0; b < counts.size(); ++b) {
    counts[b] = grown(history.times[b].get(), sums.times[b]);
  }
  moment.span_ms.set(static_cast<std::uint32_t>(span_ms));
  moment.failures.set(grown(history.failures.get(), sums.failures));
  moment.answers.set(grown(history.answers.get(), sums.answers) + moment.failures.get());
  moment.p50.set(quantile(counts, 0.5F));
  moment.p99.set(quantile(counts, 0.99F));
  moment.ms.set(now_ms);
  history.next.set(n + 1);
}

void keep(const Sums& sums, std::int64_t now_ms, History& history) noexcept {
  history.since_ms.set(now_ms);
  history.answers.set(sums.answers);
  history.failures.set(sums.failures);
  for (std::size_t b = 0; b < sums.times.size(); ++b) history.times[b].set(sums.times[b]);
}

}  // namespace

void renew_history(const Shared& shared, TimePoint now) noexcept {
  if (shared->ticks.get() % kTicksPerNote == 0) shared->note_next.set(1);
  History& history = shared->history;
  const std::int64_t now_ms = milliseconds(now);
  const std::int64_t span_ms = now_ms - history.since_ms.get();
  const bool is_first = history.since_ms.get() == 0 || span_ms < 0;
  if (!is_first && span_ms < History::kStepMs) return;
  Sums sums;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    const Record& record = shared.records()[i];
    if (record.place.load(std::memory_order_relaxed).use() == Use::kFree) continue;
    add(record, sums);
    if (is_due(shared.windows()[i], now_ms)) glance(record, now_ms, shared.windows()[i]);
  }
  // Of a step that lasted a minute nobody could say when in it things happened.
  if (!is_first && span_ms < 6 * History::kStepMs) write_moment(history, sums, now_ms, span_ms);
  keep(sums, now_ms, history);
}

}  // namespace leastwise::state
