#include "memory/prompts.h"

#include <bit>
#include <new>

namespace leastwise::state {
namespace {

constexpr std::size_t round_up(std::size_t n) noexcept { return (n + 63) & ~std::size_t{63}; }

constexpr std::size_t readings_offset(std::size_t capacity) noexcept {
  return round_up(round_up(sizeof(Holders)) + capacity * sizeof(Marks));
}

template <typename T>
T* at(std::byte* memory, std::size_t offset) noexcept {
  return std::launder(reinterpret_cast<T*>(memory + offset));
}

}  // namespace

std::size_t Prompts::bytes_for(std::size_t capacity, std::size_t sets) noexcept {
  return readings_offset(capacity) + capacity * sizeof(Reading) + sets * sizeof(ResidencySet);
}

Prompts::Prompts(std::byte* memory, std::size_t capacity, std::size_t sets) noexcept
    : holders_(at<Holders>(memory, 0)),
      marks_(at<Marks>(memory, round_up(sizeof(Holders))), capacity),
      readings_(at<Reading>(memory, readings_offset(capacity)), capacity),
      sets_(at<ResidencySet>(memory, readings_offset(capacity) + capacity * sizeof(Reading)),
            sets) {}

unsigned Prompts::bit_of(std::size_t endpoint) const noexcept {
  Cell<std::uint32_t>& own = readings_[endpoint].bit;
  if (const std::uint32_t bit = own.get(); bit != 0) [[likely]]
    return (bit - 1) % Holders::kMost;
  std::uint64_t used = holders_->used.get();
  std::uint64_t bit = 0;
  do {
    bit = ~used & (used + 1);  // the lowest that is free
  } while (bit != 0 && !holders_->used.replace(used, used | bit));
  const auto place = bit != 0 ? static_cast<std::uint32_t>(std::countr_zero(bit))
                              : static_cast<std::uint32_t>(endpoint % Holders::kMost);
  std::uint32_t none = 0;
  // Lost to another process: that one's. The bit it took here is lost until a restart; at most one
  // for each two that meet.
  if (!own.replace(none, place + 1) && none != 0) return (none - 1) % Holders::kMost;
  return place;
}

void Prompts::fill(std::size_t endpoint, std::uint32_t bytes, TimePoint now) const noexcept {
  leastwise::fill(readings_[endpoint], bytes, marks_[endpoint], holders_->all[bit_of(endpoint)],
                  now);
}

void Prompts::forget(std::size_t endpoint, Stamp now) const noexcept {
  holders_->all[bit_of(endpoint)].since.set(now);
  readings_[endpoint].read.set(0);
  readings_[endpoint].written.set(0);
}

// What it held is nobody's; the bit stays with the place.
void Prompts::reset(std::size_t endpoint) const noexcept {
  readings_[endpoint].pending.set(0);
  readings_[endpoint].room.set(0);
  readings_[endpoint].lessons.set(0);
  readings_[endpoint].usual_bytes.set(0);
}

}  // namespace leastwise::state
