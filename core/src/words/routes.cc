#include "words/routes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace leastwise {
namespace {

constexpr std::uint32_t kMostSamples = 1U << 30;
constexpr std::uint32_t kEnoughSamples = 64;  // to say whether a route costs what its family does
constexpr std::int64_t kForgetFewMs = 5'000;
constexpr std::int64_t kForgetYoungMs = 60'000;
constexpr std::int64_t kForgetMs = 300'000;
constexpr std::size_t kPlenty = Routes::kSlots / 2;  // in use; with more, room is needed
// A route differs from its family by a seventh at least, and by three standard errors. The slow
// cost is a mean over a thousand answers or so, and so is what it is compared with.
constexpr float kLeastDifference = 0.15F;
constexpr float kErrors = 3;
constexpr float kMostAnswers = 1000;

constexpr bool is_for_families(std::size_t at) noexcept { return at % Routes::kFamilyEvery == 0; }

}  // namespace

std::uint16_t Routes::look_for(std::uint64_t hash, const RouteName& name) noexcept {
  if (hash == 0) return kOther;
  if (const std::uint16_t slot = seek(hash); slot != kOther) return slot;
  if (name.family.empty()) return claim(hash, name.own, kOther);
  const std::uint64_t family_hash = Route::hash_of(name.family);
  std::uint16_t family = seek(family_hash);
  if (family == kOther) family = claim(family_hash, name.family, kOther);
  if (family == kOther || samples(family) < kFewSamples) return family;
  const std::uint16_t own = claim(hash, name.own, family);
  return own == kOther ? family : own;
}

// kOther when it has no slot. A free place ends no search: it may have been taken when the route
// came.
std::uint16_t Routes::seek(std::uint64_t hash) const noexcept {
  for (std::size_t i = 0; i < kProbes; ++i) {
    const std::size_t at = (hash + i) % kSlots;
    if (slots_[at].hash.get() == hash) return static_cast<std::uint16_t>(at);
  }
  return kOther;
}

std::uint16_t Routes::claim(std::uint64_t hash, std::string_view name,
                            std::uint16_t family) noexcept {
  for (std::size_t i = 0; i < kProbes; ++i) {
    const std::size_t at = (hash + i) % kSlots;
    const auto slot = static_cast<std::uint16_t>(at);
    if (family != kOther && is_for_families(at)) continue;
    std::uint64_t have = slots_[at].hash.get();
    while (have == 0) {
      if (!slots_[at].hash.replace(have, hash)) continue;
      // Who dies here, or sees the slot too early, takes the pool's mean for its cost; the tick
      // gives it the family's with its first sample.
      slots_[at].family.set(family == kOther ? 0 : std::uint32_t{family} + 1);
      if (family != kOther) {
        set_costs(slot, costs(family));
        set_stay(slot, stay(family));
        set_stayed(slot, stayed(family));
        set_longs(slot, longs(family));
      }
      set_name(slot, name);
      return slot;
    }
    if (have == hash) return slot;  // another was faster
  }
  return kOther;
}

std::uint16_t Routes::family(std::uint16_t slot) const noexcept {
  const std::uint32_t family = slots_[slot].family.get();
  return family == 0 || family > kSlots ? kOther : static_cast<std::uint16_t>(family - 1);
}

void Routes::set_name(std::uint16_t slot, std::string_view name) noexcept {
  std::array<std::uint64_t, kWords> words{};
  if (!name.empty()) {
    std::memcpy(words.data(), name.data(), std::min(name.size(), Route::kMostText));
  }
  for (std::size_t i = 0; i < kWords; ++i) stories_[slot].name[i].set(words[i]);
}

std::size_t Routes::copy_name(std::uint16_t slot, char* out) const noexcept {
  std::array<std::uint64_t, kWords> words;
  for (std::size_t i = 0; i < kWords; ++i) words[i] = stories_[slot].name[i].get();
  std::memcpy(out, words.data(), Route::kMostText);
  std::size_t size = 0;
  for (; size < Route::kMostText && out[size] != '\0'; ++size) {
    if (out[size] < ' ' || out[size] > '~') out[size] = '?';
  }
  return size;
}

std::uint32_t Routes::count(std::uint16_t slot, std::int64_t now_ms) noexcept {
  slots_[slot].seen_ms.set(now_ms);
  // Stops at a number that means the same as any larger one. By one process at a time.
  const std::uint32_t samples = slots_[slot].samples.get();
  if (samples >= kMostSamples) return samples;
  slots_[slot].samples.set(samples + 1);
  // It has the slot of another.
  if (samples == 0) {
    set_stay(slot, Stay::kShort);
    slots_[slot].stayed.set(0);
    slots_[slot].longs.set(0);
    for (Cell<float>& cost : slots_[slot].by_kind) cost.set(0);
    slots_[slot].pace.set(0);
  }
  return samples + 1;
}

// Whether it would be missed: it costs more or less than its family, or nobody can tell yet.
bool Routes::tells_something(std::uint16_t slot) const noexcept {
  const std::uint16_t family = this->family(slot);
  const std::uint32_t n = samples(slot);
  if (family == kOther || n < kEnoughSamples) return true;
  const float own = costs(slot).slow;
  const float difference = std::abs(own - costs(family).slow);
  // The square of its standard error, by the cost's.
  const float error = spread(slot) / std::min(static_cast<float>(n), kMostAnswers);
  return difference > kLeastDifference * costs(family).slow &&
         difference * difference > kErrors * kErrors * error * own * own;
}

void Routes::expire(std::int64_t now_ms) noexcept {
  std::size_t used = 0;
  for (const Slot& slot : slots_) {
    if (slot.hash.get() != 0) ++used;
  }
  const bool is_short = used > kPlenty;
  for (std::uint16_t at = 0; at < kSlots; ++at) {
    Slot& slot = slots_[at];
    if (slot.hash.get() == 0) continue;
    // Just claimed: its time starts now. In the future: the clock went back.
    if (slot.seen_ms.get() <= 0 || slot.seen_ms.get() > now_ms) slot.seen_ms.set(now_ms);
    const std::int64_t idle = now_ms - slot.seen_ms.get();
    const std::uint32_t n = slot.samples.get();
    const std::int64_t most = !is_short            ? kForgetMs
                              : n < kFewSamples    ? kForgetFewMs
                              : n < kEnoughSamples ? kForgetYoungMs
                                                   : kForgetMs;
    const std::uint16_t family = this->family(at);
    const bool is_orphan = family != kOther && slots_[family].hash.get() == 0;
    if (idle >= most || is_orphan || (is_short && !tells_something(at))) free(at);
  }
}

void Routes::free(std::uint16_t slot) noexcept {
  slots_[slot].costs.set(0);
  slots_[slot].samples.set(0);
  slots_[slot].seen_ms.set(0);
  slots_[slot].family.set(0);
  set_stay(slot, Stay::kShort);
  slots_[slot].stayed.set(0);
  slots_[slot].longs.set(0);
  for (Cell<float>& cost : slots_[slot].by_kind) cost.set(0);
  slots_[slot].pace.set(0);
  stories_[slot].spread.set(0);
  set_name(slot, {});
  slots_[slot].hash.set(0);
}

void Routes::clear() noexcept {
  for (std::uint16_t slot = 0; slot <= kOther; ++slot) free(slot);
}

void Routes::copy_from(const Routes& other) noexcept {
  for (std::size_t i = 0; i <= kOther; ++i) {
    slots_[i].costs.set(other.slots_[i].costs.get());
    slots_[i].samples.set(other.slots_[i].samples.get());
    slots_[i].stay.set(other.slots_[i].stay.get());
    slots_[i].stayed.set(other.slots_[i].stayed.get());
    slots_[i].longs.set(other.slots_[i].longs.get());
    slots_[i].seen_ms.set(other.slots_[i].seen_ms.get());
    slots_[i].family.set(other.slots_[i].family.get());
    stories_[i].spread.set(other.stories_[i].spread.get());
    for (std::size_t w = 0; w < kWords; ++w)
      stories_[i].name[w].set(other.stories_[i].name[w].get());
    for (std::size_t k = 0; k < kAnswerKinds; ++k) {
      slots_[i].by_kind[k].set(other.slots_[i].by_kind[k].get());
    }
    slots_[i].pace.set(other.slots_[i].pace.get());
    slots_[i].hash.set(other.slots_[i].hash.get());
  }
}

}  // namespace leastwise
