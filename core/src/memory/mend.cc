// What a pool's memory can not hold is put right, a few endpoints per tick: damage by a
// process that died between two steps, or by a stray write, does not last.
#include <algorithm>
#include <cstdlib>

#include "memory/state.h"
#include "words/packed.h"

namespace leastwise {
namespace {

using state::Shared;

constexpr float kMostSeconds = 1e7F;
constexpr std::int32_t kMaxDrift = 1 << 20;  // as much as a load word can count

// What the ledger says is in flight at place i. A cell that can not be right, or of a
// row that nobody owns, is damage and is set to zero.
std::int64_t ledger_sum(const Shared& shared, std::size_t i) noexcept {
  std::int64_t sum = 0;
  const std::uint32_t rows = std::min<std::uint32_t>(kMaxProcesses, shared->rows.get());
  for (std::uint32_t row = 0; row < rows; ++row) {
    Cell<std::int32_t>& cell = shared.ledger(ProcessSlot{row})[i];
    const std::int32_t count = cell.get();
    if (count == 0) continue;
    const bool owned = shared->processes[row].owner.load(std::memory_order_relaxed) != 0;
    // The last row is also that of processes without one.
    if (count < 0 || count >= kMaxDrift || (!owned && row + 1 != kMaxProcesses)) {
      cell.set(0);
    } else {
      sum += count;
    }
  }
  return sum;
}

// Estimates that no measurement can have given.
void mend_estimates(state::Hot& hot, state::Record& record, Learned& learned) noexcept {
  const auto wrong = [](float x) noexcept { return !(x >= 0 && x < kMostSeconds); };
  const Speed s = speed::unpack(hot.speed.get());
  if (wrong(s.delay) || wrong(s.work)) hot.speed.set(0);
  if (wrong(hot.slowness.get()) || hot.speed.get() == 0) hot.slowness.set(0);
  const ErrorShare e = error::unpack(hot.error.get());
  if (!(e.share >= 0 && e.share <= 1)) hot.error.set(0);
  if (wrong(hot.base.get())) hot.base.set(0);
  if (wrong(hot.fastest.get())) hot.fastest.set(0);
  if (wrong(answer_time::unpack(record.answer_time.get()).seconds)) record.answer_time.set(0);
  if (wrong(learned.base.fastest) || wrong(learned.base.least)) learned.base = {};
  float sum = learned.mixture.delay;
  for (const float work : learned.mixture.work) sum += wrong(work) ? kMostSeconds : work;
  if (wrong(sum)) learned.mixture = {};
}

void audit(const Shared& shared, std::size_t i) noexcept {
  // A count that is off by the same side this often in a row is wrong, not just in motion.
  constexpr std::uint32_t kSure = 5;
  const std::int64_t sum = ledger_sum(shared, i);
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

void mend(const Shared& shared, std::size_t i) noexcept {
  mend_estimates(shared.hot()[i], shared.records()[i], shared.learned()[i]);
  audit(shared, i);
}

}  // namespace state
}  // namespace leastwise
