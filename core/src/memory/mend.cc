// What a pool's memory can not hold is put right, a few endpoints per tick: damage by a
// process that died between two steps, or by a stray write, does not last.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "memory/state.h"
#include "words/packed.h"

namespace leastwise {
namespace {

using state::Shared;

constexpr float kMostSeconds = 1e7F;
constexpr std::int32_t kMaxDrift = 1 << 20;  // as much as a load word can count

constexpr std::size_t kAtOnce = 256;  // endpoints, so that each row is read along its lines
using Sums = std::array<std::int64_t, kAtOnce>;

// What the ledger says is in flight at `sums.size()` endpoints from `from` on. A cell that can not
// be right is damage and is set to zero; one of a row that nobody owns is nothing.
Sums ledger_sums(const Shared& shared, std::size_t from, std::size_t n) noexcept {
  Sums sums{};
  const std::uint32_t rows = std::min<std::uint32_t>(kMaxProcesses, shared->rows.get());
  for (std::uint32_t row = 0; row < rows; ++row) {
    if (!state::is_counted(shared->processes[row])) continue;
    const auto cells = shared.ledger(ProcessSlot{row}).subspan(from, n);
    for (std::size_t k = 0; k < n; ++k) {
      std::int32_t count = cells[k].get();
      if (count < 0 || count >= kMaxDrift) {
        cells[k].replace(count, 0);
      } else {
        sums[k] += count;
      }
    }
  }
  return sums;
}

// Estimates that no measurement can have given.
void mend_sums(state::Hot& hot, state::Record& record, Learned& learned) noexcept {
  const auto wrong = [](float x) noexcept { return !(x >= 0 && x < kMostSeconds); };
  const Speed s = speed::unpack(hot.speed.get());
  if (wrong(s.delay) || wrong(s.work)) hot.speed.set(0);
  if (wrong(hot.slowness.get()) || hot.speed.get() == 0) hot.slowness.set(0);
  const ErrorShare e = error::unpack(hot.error.get());
  if (!(e.share >= 0 && e.share <= 1)) hot.error.set(0);
  if (wrong(record.trial.get())) record.trial.set(0);
  if (wrong(hot.base.get())) hot.base.set(0);
  if (wrong(record.fastest.get())) record.fastest.set(0);
  if (wrong(answer_time::unpack(record.answer_time.get()).seconds)) record.answer_time.set(0);
  if (wrong(learned.base.fastest) || wrong(learned.base.least) || wrong(learned.base.backing)) {
    learned.base = {};
  }
  float sum = learned.mixture.delay;
  for (const float work : learned.mixture.work) sum += wrong(work) ? kMostSeconds : work;
  if (wrong(sum)) learned.mixture = {};
}

// The dead leave a count that is too high, never one too low: picks count in the load before they
// do in the ledger, and finishes the other way about.
void compare(const Shared& shared, std::size_t i, std::int64_t sum) noexcept {
  // A count that is off by the same side this often in a row is wrong, not just in motion.
  constexpr std::uint32_t kSure = 5;
  Cell<std::uint64_t>& word = shared.hot()[i].load;
  const std::int64_t off = std::int64_t{load::in_flight(word.get())} - sum;
  Learned& learned = shared.learned()[i];
  const auto drift =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(off, -kMaxDrift, kMaxDrift));
  if (drift == 0 || (drift > 0) != (learned.drift > 0)) {
    learned.drift = drift;
    learned.drift_seen = drift != 0 ? 1 : 0;
    return;
  }
  if (std::abs(drift) < std::abs(learned.drift)) learned.drift = drift;
  if (++learned.drift_seen < kSure) return;
  const std::int64_t wrong = learned.drift;
  word.update([&](std::uint64_t old) noexcept -> std::uint64_t {
    const std::int64_t n = std::int64_t{load::in_flight(old)} - wrong;
    if (n <= 0) return 0;
    return (static_cast<std::uint64_t>(n) << load::kWorkBits) | (old & (load::kOne - 1));
  });
  learned.drift = 0;
  learned.drift_seen = 0;
}

}  // namespace

namespace state {

void mend_estimates(const Shared& shared, std::size_t i) noexcept {
  mend_sums(shared.hot()[i], shared.records()[i], shared.learned()[i]);
}

void audit(const Shared& shared, std::size_t from, std::size_t to) noexcept {
  while (from < to) {
    const std::size_t n = std::min(kAtOnce, to - from);
    const Sums sums = ledger_sums(shared, from, n);
    for (std::size_t k = 0; k < n; ++k) compare(shared, from + k, sums[k]);
    from += n;
  }
}

}  // namespace state
}  // namespace leastwise
