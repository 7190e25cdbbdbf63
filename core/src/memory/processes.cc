// Pool: who has what in flight, so that the dead give it back.
#include <algorithm>

#include "leastwise/pool.h"
#include "memory/state.h"

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

void note_row(state::Header& header, std::size_t row) noexcept {
  header.rows.update([&](std::uint32_t rows) noexcept {
    return std::max(rows, static_cast<std::uint32_t>(row + 1));
  });
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
    if (header_->processes[row].owner.load(std::memory_order_relaxed) != 0) {
      note_row(*header_, row);
    }
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
      note_row(*header_, row);
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

}  // namespace leastwise
