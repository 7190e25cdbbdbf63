#include "words/routes.h"

namespace leastwise {
namespace {

constexpr std::uint32_t kFewSamples = 8;
constexpr std::uint32_t kMostSamples = 1U << 30;
constexpr std::int64_t kForgetFewMs = 5'000;
constexpr std::int64_t kForgetMs = 300'000;

}  // namespace

std::uint16_t Routes::find(std::uint64_t hash) noexcept {
  if (hash == 0) return kOther;
  for (std::size_t i = 0; i < kProbes; ++i) {
    const std::size_t at = (hash + i) % kSlots;
    std::uint64_t have = slots_[at].hash.get();
    if (have == hash) return static_cast<std::uint16_t>(at);
    if (have != 0) continue;
    if (slots_[at].hash.replace(have, hash) || have == hash) {
      return static_cast<std::uint16_t>(at);
    }
  }
  return kOther;
}

std::uint32_t Routes::count(std::uint16_t slot, std::int64_t now_ms) noexcept {
  slots_[slot].seen_ms.set(now_ms);
  // Stops at a number that means the same as any larger one. By one process at a time.
  const std::uint32_t samples = slots_[slot].samples.get();
  if (samples >= kMostSamples) return samples;
  slots_[slot].samples.set(samples + 1);
  return samples + 1;
}

void Routes::Slot::forget() noexcept {
  costs.set(0);
  samples.set(0);
  stay.set(Stay::kShort);
  stayed.set(0);
  longs.set(0);
  seen_ms.set(0);
  hash.set(0);
}

void Routes::expire(std::int64_t now_ms) noexcept {
  for (Slot& slot : slots_) {
    if (slot.hash.get() == 0) continue;
    // Just claimed: its time starts now. In the future: the clock went back.
    if (slot.seen_ms.get() <= 0 || slot.seen_ms.get() > now_ms) slot.seen_ms.set(now_ms);
    const std::int64_t idle = now_ms - slot.seen_ms.get();
    if (idle < (slot.samples.get() < kFewSamples ? kForgetFewMs : kForgetMs)) continue;
    slot.forget();
  }
}

void Routes::clear() noexcept {
  for (Slot& slot : slots_) slot.forget();
}

void Routes::copy_from(const Routes& other) noexcept {
  for (std::size_t i = 0; i <= kOther; ++i) {
    slots_[i].costs.set(other.slots_[i].costs.get());
    slots_[i].samples.set(other.slots_[i].samples.get());
    slots_[i].stay.set(other.slots_[i].stay.get());
    slots_[i].stayed.set(other.slots_[i].stayed.get());
    slots_[i].longs.set(other.slots_[i].longs.get());
    slots_[i].seen_ms.set(other.slots_[i].seen_ms.get());
    slots_[i].hash.set(other.slots_[i].hash.get());
  }
}

}  // namespace leastwise
