// Pool: who has what in flight, so that the dead give it back.
#include <algorithm>
#include <cstdlib>

#include "leastwise/pool.h"
#include "state.h"

namespace leastwise {
namespace {

using state::Process;
using state::Shared;

constexpr std::uint64_t kPidMask = 0xffffffff;
constexpr std::uint32_t owner_of(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word & kPidMask);
}
constexpr std::uint32_t healer_of(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> 32);
}

// Gives back what ledger row `slot` holds. Each count goes back once, whoever does it:
// the exchange hands it to one healer only.
std::uint64_t give_back(const Shared& shared, ProcessSlot slot) noexcept {
  std::uint64_t total = 0;
  auto ledger = shared.ledger(slot);
  for (std::size_t i = 0; i < ledger.size(); ++i) {
    if (ledger[i].get() == 0) continue;
    const std::int32_t left = ledger[i].take(0);
    if (left <= 0) continue;
    const auto gone = static_cast<std::uint32_t>(left);
    shared.hot()[i].load.update([&](std::uint64_t word) noexcept {
      // Their work is not in the ledger: take the share of it that they are of the count.
      const std::uint32_t n = load::in_flight(word);
      if (n <= gone) return std::uint64_t{0};
      const std::uint64_t work = (word & (load::kOne - 1)) / n * gone;
      return load::minus(word, (std::uint64_t{gone} << load::kWorkBits) | work);
    });
    shared.records()[i].healed.add(gone);
    total += gone;
  }
  return total;
}

// Claims the healing of a dead process's row, heals it, and leaves it free.
std::uint64_t heal_row(const Shared& shared, std::size_t row, std::uint32_t pid,
                       bool (*alive)(std::uint32_t)) noexcept {
  std::atomic<std::uint64_t>& word = shared->processes[row].owner;
  // acquire and release: the row's counts pass from its owner to the healer to the next.
  std::uint64_t seen = word.load(std::memory_order_acquire);
  const std::uint32_t owner = owner_of(seen);
  const std::uint32_t healer = healer_of(seen);
  if (owner == 0 || owner == pid || alive(owner)) return 0;
  if (healer != 0 && healer != pid && alive(healer)) return 0;
  const std::uint64_t mine = (std::uint64_t{pid} << 32) | owner;
  if (!word.compare_exchange_strong(seen, mine, std::memory_order_acq_rel)) return 0;
  const std::uint64_t healed = give_back(shared, ProcessSlot{static_cast<std::uint32_t>(row)});
  word.store(0, std::memory_order_release);
  return healed;
}

}  // namespace

std::uint64_t Pool::heal(std::uint32_t pid, bool (*alive)(std::uint32_t pid)) noexcept {
  std::uint64_t healed = 0;
  for (std::size_t row = 0; row < kMaxProcesses; ++row) {
    healed += heal_row(shared(), row, pid, alive);
  }
  return healed;
}

ProcessSlot Pool::join(std::uint32_t pid, bool (*alive)(std::uint32_t pid)) noexcept {
  for (std::size_t row = 0; row < kMaxProcesses; ++row) {
    if (owner_of(header_->processes[row].owner.load(std::memory_order_acquire)) == pid) {
      return ProcessSlot{static_cast<std::uint32_t>(row)};
    }
  }
  heal(pid, alive);
  for (std::size_t row = 0; row < kMaxProcesses; ++row) {
    std::uint64_t free = 0;
    if (header_->processes[row].owner.compare_exchange_strong(free, pid,
                                                              std::memory_order_acq_rel)) {
      return ProcessSlot{static_cast<std::uint32_t>(row)};
    }
  }
  return ProcessSlot{kMaxProcesses - 1};
}

void Pool::leave(ProcessSlot slot, std::uint32_t pid) noexcept {
  const std::size_t row = static_cast<std::size_t>(slot) % kMaxProcesses;
  // The last row may be shared: only its owner frees it.
  std::uint64_t owner = pid;
  header_->processes[row].owner.compare_exchange_strong(owner, 0, std::memory_order_acq_rel);
}

namespace {

constexpr std::int32_t kMaxDrift = 1 << 20;  // as much as a load word can count

// What the ledger says is in flight at place i. A cell that can not be right, or of a
// row that nobody owns, is damage and is set to zero.
std::int64_t ledger_sum(const Shared& shared, std::size_t i) noexcept {
  std::int64_t sum = 0;
  for (std::uint32_t row = 0; row < kMaxProcesses; ++row) {
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

void audit_one(const Shared& shared, std::size_t i) noexcept {
  // A count that is off by the same side this often in a row is wrong, not just in motion.
  constexpr std::uint32_t kSure = 16;
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

void audit(const Shared& shared, std::size_t batch) noexcept {
  std::size_t at = shared->audit_next.get();
  for (std::size_t i = 0; i < batch && i < shared.capacity(); ++i) {
    at = at + 1 < shared.capacity() ? at + 1 : 0;
    audit_one(shared, at);
  }
  shared->audit_next.set(static_cast<std::uint32_t>(at));
}

}  // namespace state
}  // namespace leastwise
