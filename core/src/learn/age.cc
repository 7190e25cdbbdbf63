#include "learn/age.h"

#include <algorithm>

#include "words/answer_time.h"
#include "words/packed.h"

namespace leastwise {
namespace {

// Processes read the clock at different instants, and some hold on to what they read.
constexpr std::int64_t kSlackMs = 10'000;
constexpr std::int64_t kLongMs = 1000;  // without a tick: then all are looked at
// What is left then is below kErrorFree, whatever it was: e^-10.
constexpr std::int64_t kErrorMs = 100'000;
constexpr std::int64_t kReportMs = 60'000;  // longer than any report counts
// 16 of the mixture's decay times.
constexpr std::int64_t kMixtureMs = 960'000;
constexpr std::int64_t kHourMs = 3'600'000;  // after which nothing of failures is held against it

void forget(Cell<std::uint64_t>& word, bool is_old) noexcept {
  std::uint64_t seen = word.get();
  // When another process was faster, its word is not old.
  if (seen != 0 && is_old) word.replace(seen, 0);
}

}  // namespace

Age::Age(const Config& config, TimePoint now, std::int64_t gap_ms) noexcept
    : now_ms_(milliseconds(now)),
      gap_ms_(gap_ms),
      tau_ms_(std::max<std::int64_t>(1, config.decay.count() / 1000)) {
  decay_.set(config.decay, now);
}

bool Age::was_long() const noexcept { return gap_ms_ > kLongMs; }

bool Age::is_old(std::uint32_t stamp, std::int64_t most_ms) const noexcept {
  if (gap_ms_ > most_ms) return true;
  const auto age = static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ms_) - stamp);
  return age > most_ms || age < -kSlackMs;
}

void Age::forget_speed(state::Hot& hot) const noexcept {
  std::uint64_t word = hot.speed.get();
  if (word == 0) return;
  const std::int64_t all_landmarks = static_cast<std::int64_t>(Decay::kAges) * 2 * tau_ms_;
  if (gap_ms_ <= all_landmarks && decay_.left(speed::unpack(word).epoch) > 0) return;
  hot.speed.replace(word, 0);
  hot.slowness.set(0);
}

// Failures in a row have no stamp of their own: they are as old as the share, which each renews.
void Age::forget_failures(state::Hot& hot, state::Record& record) const noexcept {
  forget(hot.error, is_old(error::unpack(hot.error.get()).ms, kErrorMs));
  if (hot.error.get() == 0 && record.failures_in_a_row.get() != 0) record.failures_in_a_row.set(0);
  const std::int64_t ahead_ms = health::unpack(hot.health.get()).until_ms - now_ms_;
  forget(hot.health,
         ahead_ms < -kHourMs || ahead_ms > std::int64_t{record.fail_timeout_ms.get()} + kSlackMs);
  if (gap_ms_ > kHourMs) record.relapses.set(0);
}

void Age::forget_old(const state::Shared& shared, std::size_t i) const noexcept {
  state::Hot& hot = shared.hot()[i];
  state::Record& record = shared.records()[i];
  forget_speed(hot);
  forget_failures(hot, record);
  const auto answer_ms = static_cast<std::int64_t>(kAnswerTimeAges) * tau_ms_;
  forget(record.answer_time, is_old(answer_time::unpack(record.answer_time.get()).ms, answer_ms));
  forget(record.reported, is_old(reported::unpack(record.reported.get()).ms, kReportMs));
  forget(record.queued, is_old(queued::unpack(record.queued.get()).ms, kReportMs));
  Learned& learned = shared.learned()[i];
  if (learned.mixture.delay > 0 && is_old(learned.mixture.ms, kMixtureMs)) learned.mixture = {};
}

}  // namespace leastwise
