// Pool: who has what in flight, so that the dead give it back.
#include <algorithm>

#include "leastwise/pool.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using state::Header;
using state::Process;
using state::Shared;

// Word of an owner or healer: its pid, and from bit 32 when it was born. An owner that still
// clears its row has kClaiming set: nothing in the row is its own, or anybody's.
constexpr std::uint64_t kClaiming = std::uint64_t{1} << 31;

constexpr std::uint64_t word_of(Incarnation who) noexcept {
  return std::uint64_t{who.born} << 32 | (who.pid & (kClaiming - 1));
}
constexpr Incarnation who_is(std::uint64_t word) noexcept {
  return {.pid = static_cast<std::uint32_t>(word & (kClaiming - 1)),
          .born = static_cast<std::uint32_t>(word >> 32)};
}

// The process that asks, and how it finds out about others.
struct Census {
  Incarnation self;
  IsAlive alive;

  bool is_dead(std::uint64_t word) const noexcept {
    const Incarnation who = who_is(word);
    if (who == self) return false;
    return who.pid == self.pid || !alive(who);  // our pid is ours: who had it before is gone
  }
};

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
    std::uint32_t all = 0;
    shared.hot()[i].load.update([&](std::uint64_t word) noexcept {
      // Their work is not in the ledger: take the share of it that they are of the count.
      const std::uint32_t n = all = load::in_flight(word);
      if (n <= gone) return std::uint64_t{0};
      const std::uint64_t work = (word & (load::kOne - 1)) / n * gone;
      return load::minus(word, (std::uint64_t{gone} << load::kWorkBits) | work);
    });
    // Nor is which of them only kept their place: the same share.
    const auto share_of = [&](std::uint32_t n) noexcept {
      return all <= gone ? n : static_cast<std::uint32_t>(std::uint64_t{n} * gone / all);
    };
    shared.hot()[i].away.update(
        [&](std::uint32_t word) noexcept { return word - share_of(away::idle(word)); });
    shared.records()[i].guests.update([&](std::uint32_t word) noexcept {
      return guests::minus(word, share_of(guests::count(word)));
    });
    shared.records()[i].healed.add(gone);
    total += gone;
  }
  return total;
}

void note_row(Header& header, std::size_t row) noexcept {
  header.rows.update([&](std::uint32_t rows) noexcept {
    return std::max(rows, static_cast<std::uint32_t>(row + 1));
  });
}

std::size_t rows_used(const Header& header) noexcept {
  return std::min<std::size_t>(kMaxProcesses, header.rows.get());
}

// Who died in the tick is not waited for.
void end_tick_of(Header& header, std::size_t row) noexcept {
  std::int64_t entry = header.tick_entry.load(std::memory_order_relaxed);
  if (entry == 0 || state::entry::row(entry) != static_cast<std::int64_t>(row)) return;
  // acq_rel: what it wrote passes on to who enters next.
  header.tick_entry.compare_exchange_strong(entry, 0, std::memory_order_acq_rel,
                                            std::memory_order_relaxed);
}

// One process heals a row at a time: else one that was slow would give back what a next owner has.
bool start_healing(Process& process, const Census& census) noexcept {
  std::uint64_t healer = process.healer.load(std::memory_order_acquire);
  const std::uint64_t self = word_of(census.self);
  if (healer != 0 && healer != self && !census.is_dead(healer)) return false;
  return process.healer.compare_exchange_strong(healer, self, std::memory_order_acq_rel);
}

// Whoever dies in here leaves the row to its dead owner until the last step, and the next
// healer does the rest.
std::uint64_t heal_row(const Shared& shared, std::size_t row, const Census& census) noexcept {
  Process& process = shared->processes[row];
  // acquire and release: the row's counts pass from its owner to the healer to the next.
  const std::uint64_t owner = process.owner.load(std::memory_order_acquire);
  if (owner == 0 || !census.is_dead(owner) || !start_healing(process, census)) return 0;
  std::uint64_t healed = 0;
  // Only a healer frees a dead one's row: if it is still the same, it stays so.
  if (process.owner.load(std::memory_order_acquire) == owner) {
    if ((owner & kClaiming) == 0) {
      healed = give_back(shared, ProcessSlot{static_cast<std::uint32_t>(row)});
    }
    end_tick_of(*shared.operator->(), row);
    shared->doubt.set(Header::kDoubt);
    process.owner.store(0, std::memory_order_release);
  }
  process.healer.store(0, std::memory_order_release);
  return healed;
}

// Claimed memory may hold anything: nobody's counts are inherited. What a row without an owner
// held was in no sum of the audit, so it goes without being given back.
void clear_row(const Shared& shared, std::size_t row, std::uint64_t self) noexcept {
  bool was_clear = true;
  for (Cell<std::int32_t>& cell : shared.ledger(ProcessSlot{static_cast<std::uint32_t>(row)})) {
    if (cell.get() == 0) continue;
    was_clear = false;
    cell.set(0);
  }
  if (!was_clear) shared->doubt.set(Header::kDoubt);
  // release: pairs with is_counted().
  shared->processes[row].owner.store(self, std::memory_order_release);
}

bool claim_row(const Shared& shared, std::size_t row, std::uint64_t self) noexcept {
  std::uint64_t free = 0;
  std::atomic<std::uint64_t>& owner = shared->processes[row].owner;
  if (owner.load(std::memory_order_relaxed) != 0) return false;
  note_row(*shared.operator->(), row);  // first: healers must see who dies from here on
  if (!owner.compare_exchange_strong(free, self | kClaiming, std::memory_order_acq_rel)) {
    return false;
  }
  clear_row(shared, row, self);
  return true;
}

ProcessSlot row_of(const Header& header, std::size_t rows, std::uint64_t self) noexcept {
  for (std::size_t row = 0; row < rows; ++row) {
    if (header.processes[row].owner.load(std::memory_order_acquire) == self) {
      return ProcessSlot{static_cast<std::uint32_t>(row)};
    }
  }
  return kNoSlot;
}

}  // namespace

bool state::is_counted(const Process& process) noexcept {
  const std::uint64_t owner = process.owner.load(std::memory_order_acquire);
  return owner != 0 && (owner & kClaiming) == 0;
}

std::uint64_t Pool::heal(Incarnation self, IsAlive alive) noexcept {
  // Damage may have made it too small.
  if (row_of(*header_, rows_used(*header_), word_of(self)) == kNoSlot) {
    for (std::size_t row = 0; row < kMaxProcesses; ++row) {
      if (header_->processes[row].owner.load(std::memory_order_relaxed) != 0) {
        note_row(*header_, row);
      }
    }
  }
  std::uint64_t healed = 0;
  const std::size_t rows = rows_used(*header_);
  for (std::size_t row = 0; row < rows; ++row) healed += heal_row(shared(), row, {self, alive});
  return healed;
}

ProcessSlot Pool::join(Incarnation self, IsAlive alive) noexcept {
  const std::uint64_t word = word_of(self);
  const ProcessSlot own = row_of(*header_, kMaxProcesses, word);
  if (own != kNoSlot) return own;
  heal(self, alive);
  for (std::size_t row = 0; row < kMaxProcesses; ++row) {
    if (claim_row(shared(), row, word)) return ProcessSlot{static_cast<std::uint32_t>(row)};
  }
  return kNoSlot;
}

void Pool::leave(ProcessSlot slot, Incarnation self) noexcept {
  if (static_cast<std::size_t>(slot) >= kMaxProcesses) return;
  std::uint64_t owner = word_of(self);
  header_->processes[static_cast<std::size_t>(slot)].owner.compare_exchange_strong(
      owner, 0, std::memory_order_acq_rel);
}

}  // namespace leastwise
