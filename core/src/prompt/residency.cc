#include "prompt/residency.h"

#include <algorithm>
#include <bit>

namespace leastwise {
namespace {

// A place's key: 26 bits of the digest, the end of a prompt, the stamp.
constexpr unsigned kTagShift = 38, kEndShift = 32;
constexpr std::uint64_t kEndMask = (1U << (kTagShift - kEndShift)) - 1;

constexpr std::uint64_t tag_of(std::uint64_t digest) noexcept {
  return (digest | 1) << kTagShift;  // not 0, which is free
}
constexpr bool has_tag(std::uint64_t key, std::uint64_t digest) noexcept {
  return key >> kTagShift == tag_of(digest) >> kTagShift;
}
constexpr std::uint64_t end_of(std::uint64_t key) noexcept { return key >> kEndShift & kEndMask; }

// How far the bytes from point k to the next go.
constexpr std::uint32_t width(std::size_t k) noexcept {
  return k + 1 < PromptPoints::kMost ? PromptPoints::bytes(k + 1) - PromptPoints::bytes(k)
                                     : PromptPoints::bytes(k) / 4;
}

// Where a prompt ends between point k, its last, and the next, in 62 parts from 1 on.
std::uint64_t end_after(std::size_t k, std::uint32_t bytes) noexcept {
  const std::uint64_t over = std::min(bytes - PromptPoints::bytes(k), width(k));
  return 1 + over * (kEndMask - 1) / width(k);
}

// Bytes of a prompt that are cached, when point k is. What went there last and ended before the
// next point tells how much further: in a chat that was the turn before, all of which comes again;
// of a long prompt with a question of its own nearly all.
std::uint32_t cached_length(std::size_t k, std::uint64_t end) noexcept {
  const std::uint64_t over = end == 0 ? 0 : (end - 1) * width(k) / (kEndMask - 1);
  return PromptPoints::bytes(k) + static_cast<std::uint32_t>(over);
}

// All of it when it was just sent, and a fifth less before it counts as gone.
constexpr std::uint32_t likely_length(std::uint32_t length, Mark age) noexcept {
  constexpr std::uint64_t kWhole = 5 * Holders::kKept;
  return static_cast<std::uint32_t>(length * (kWhole - age) / kWhole);
}

}  // namespace

void ResidencyPlace::Marks::set(unsigned server, Mark mark) noexcept {
  Cell<std::uint64_t>& word = words_[server / kEach];
  const std::uint64_t others = word.get() & ~(std::uint64_t{kMask} << shift(server));
  word.set(others | std::uint64_t{mark & kMask} << shift(server));
}

// By the upper half, since the tag is the lower.
ResidencySet& Residency::set_of(std::uint64_t digest) const noexcept {
  return sets_[(digest >> 32) * sets_.size() >> 32];
}

Mark Residency::age_of(const ResidencyPlace& place, unsigned bit) const noexcept {
  return ResidencyPlace::Marks::passed(place.marks.get(bit), holders_.all[bit].mark.get());
}

std::uint64_t Residency::still(const ResidencyPlace& place, std::uint64_t among) const noexcept {
  const auto stamp = static_cast<Stamp>(place.key.get());
  std::uint64_t holders = place.holders.get() & among;
  for (std::uint64_t rest = holders; rest != 0; rest &= rest - 1) {
    const auto bit = static_cast<unsigned>(std::countr_zero(rest));
    const Holders::One& holder = holders_.all[bit];
    if (is_before(stamp, holder.since.get()) || age_of(place, bit) > Holders::kKept) {
      holders &= ~(std::uint64_t{1} << bit);
    }
  }
  return holders;
}

// From the longest beginning on: who has it has the shorter ones, too.
template <typename Found>
void Residency::look_up(const Prompt& prompt, std::uint64_t among, Found found) const noexcept {
  for (std::size_t i = prompt.points; i-- > 0 && among != 0;) {
    const std::uint64_t digest = prompt.digest(i);
    for (const ResidencyPlace& place : set_of(digest).places) {
      const std::uint64_t key = place.key.get();
      if (!has_tag(key, digest)) continue;
      std::uint64_t holders = still(place, among);
      among &= ~holders;
      const std::uint32_t length =
          std::min(cached_length(prompt.first + i, end_of(key)), prompt.bytes);
      for (; holders != 0; holders &= holders - 1) {
        const auto bit = static_cast<unsigned>(std::countr_zero(holders));
        // Another process may just have counted one more.
        found(bit, Held{length, std::min(age_of(place, bit), Holders::kKept)});
      }
      break;
    }
  }
}

Residency::Held Residency::held(const Prompt& prompt, unsigned bit) const noexcept {
  Held held;
  look_up(prompt, std::uint64_t{1} << bit, [&](unsigned, Held found) noexcept { held = found; });
  return held;
}

void Residency::expect(const Prompt& prompt, std::uint64_t among, Lengths& lengths) const noexcept {
  look_up(prompt, among, [&](unsigned bit, Held found) noexcept {
    lengths[bit] = likely_length(found.bytes, found.age);
  });
}

void Residency::keep(const Prompt& prompt, unsigned bit, Stamp now) noexcept {
  const std::uint64_t own = std::uint64_t{1} << bit;
  for (std::size_t i = 0; i < prompt.points; ++i) {
    const std::uint64_t digest = prompt.digest(i);
    ResidencyPlace* oldest = nullptr;
    std::uint64_t holders = own;
    std::uint64_t end = i + 1 == prompt.points ? end_after(prompt.first + i, prompt.bytes) : 0;
    for (ResidencyPlace& place : set_of(digest).places) {
      const std::uint64_t key = place.key.get();
      if (has_tag(key, digest)) {
        if (end == 0) end = end_of(key);
        holders |= still(place, ~std::uint64_t{0});
        oldest = &place;
        break;
      }
      if (oldest == nullptr || key == 0 ||
          (oldest->key.get() != 0 &&
           is_before(static_cast<Stamp>(key), static_cast<Stamp>(oldest->key.get())))) {
        oldest = &place;
      }
    }
    oldest->marks.set(bit, holders_.all[bit].mark.get());
    oldest->holders.set(holders);
    oldest->key.set(tag_of(digest) | end << kEndShift | now);
  }
}

}  // namespace leastwise
