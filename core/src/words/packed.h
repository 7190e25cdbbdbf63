// Packed words: values that are read together share one 64-bit word, so that no reader
// ever pairs a new one with an old one. Pure functions; all-zero is each word's rest state.
#ifndef LEASTWISE_SRC_WORDS_PACKED_H_
#define LEASTWISE_SRC_WORDS_PACKED_H_

#include <bit>
#include <cstdint>

namespace leastwise {

// ---- Load: requests in flight (20 bits) and the work predicted for them (44 bits, in
// sixteenths of a microsecond: 12 days). Both are added to by one wait-free addition.
namespace load {

inline constexpr unsigned kWorkBits = 44;
inline constexpr std::uint64_t kOne = std::uint64_t{1} << kWorkBits;
inline constexpr float kUnitsPerSecond = 16e6F;

constexpr std::uint32_t in_flight(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> kWorkBits);
}
constexpr float work_units(std::uint64_t word) noexcept {
  return static_cast<float>(static_cast<std::int64_t>(word & (kOne - 1)));
}
constexpr float work(std::uint64_t word) noexcept { return work_units(word) / kUnitsPerSecond; }
// One request of that many predicted seconds. At most an hour counts.
constexpr std::uint64_t of(float seconds) noexcept {
  constexpr float kMost = 3600;
  const float bounded = seconds > 0 ? (seconds < kMost ? seconds : kMost) : 0;
  return kOne + static_cast<std::uint64_t>(static_cast<std::int64_t>(bounded * kUnitsPerSecond));
}
// The same, of what is added to `word`: only the number where half of the work's bits are used up,
// so that it never runs over into the count. 152 processes may add at the same instant.
constexpr std::uint64_t of(float seconds, std::uint64_t word) noexcept {
  return (word & kOne / 2) != 0 ? kOne : of(seconds);
}
// The same number in flight, with that part of the work.
constexpr std::uint64_t with_share(std::uint64_t word, float share) noexcept {
  const auto work = static_cast<std::int64_t>(work_units(word) * share);
  return (word & ~(kOne - 1)) | static_cast<std::uint64_t>(work);
}
// Takes away what of() added. Never below zero, and nothing is left of the work when
// nothing is in flight: damage heals as soon as an endpoint is idle.
constexpr std::uint64_t minus(std::uint64_t word, std::uint64_t added) noexcept {
  const std::uint32_t n = in_flight(word);
  const std::uint32_t less = in_flight(added);
  if (n <= less) return 0;
  const std::uint64_t have = word & (kOne - 1);
  const std::uint64_t gone = added & (kOne - 1);
  return (std::uint64_t{n - less} << kWorkBits) | (have > gone ? have - gone : 0);
}

// The same number in flight, without the work of what of() added.
constexpr std::uint64_t without_work(std::uint64_t word, std::uint64_t added) noexcept {
  const std::uint64_t have = word & (kOne - 1);
  const std::uint64_t gone = added & (kOne - 1);
  return (word & ~(kOne - 1)) | (have > gone ? have - gone : 0);
}

}  // namespace load

// ---- Away: of those in flight, how many keep their place only (20 bits), and how many more are on
// their way (12 bits). The first changes with each of them, the second with the tick.
namespace away {

inline constexpr unsigned kIdleBits = 20;
inline constexpr std::uint32_t kMostIdle = (1U << kIdleBits) - 1;
inline constexpr std::uint32_t kMostTransit = (1U << (32 - kIdleBits)) - 1;

constexpr std::uint32_t idle(std::uint32_t word) noexcept { return word & kMostIdle; }
constexpr std::uint32_t transit(std::uint32_t word) noexcept { return word >> kIdleBits; }
constexpr std::uint32_t of(std::uint32_t idle, std::uint32_t transit) noexcept {
  return (transit < kMostTransit ? transit : kMostTransit) << kIdleBits |
         (idle < kMostIdle ? idle : kMostIdle);
}
// One more that keeps its place only, and one less: never out of its bits.
constexpr std::uint32_t plus_idle(std::uint32_t word) noexcept {
  return idle(word) < kMostIdle ? word + 1 : word;
}
constexpr std::uint32_t minus_idle(std::uint32_t word) noexcept {
  return idle(word) > 0 ? word - 1 : word;
}

}  // namespace away

// ---- Guests: how many requests of long routes keep a place (23 bits), and the route of the last.
namespace guests {

inline constexpr unsigned kCountBits = 23;
inline constexpr std::uint32_t kMost = (1U << kCountBits) - 1;

constexpr std::uint32_t count(std::uint32_t word) noexcept { return word & kMost; }
constexpr std::uint16_t route(std::uint32_t word) noexcept {
  return static_cast<std::uint16_t>(word >> kCountBits);
}
constexpr std::uint32_t plus(std::uint32_t word, std::uint16_t route) noexcept {
  const std::uint32_t n = count(word);
  return std::uint32_t{route} << kCountBits | (n < kMost ? n + 1 : n);
}
// Nothing is left of the word when nobody is.
constexpr std::uint32_t minus(std::uint32_t word, std::uint32_t less) noexcept {
  return count(word) > less ? word - less : 0;
}

}  // namespace guests

// ---- Speed: the sums (A, B) of an endpoint, as stored under a landmark of Decay.
// Each sum is a float without its sign and its three lowest bits: exact to 2^-21.
struct Speed {
  float delay = 0;  // A: seconds that requests took
  float work = 0;   // B: seconds of work and waiting predicted for them
  std::uint8_t epoch = 0;
};

namespace speed {

constexpr std::uint64_t shrink(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x > 0 && x < 1e30F ? x : 0.0F);
  return (std::uint64_t{bits} + 4) >> 3;
}
constexpr float widen(std::uint64_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>((bits & 0xfffffff) << 3));
}
constexpr std::uint64_t pack(const Speed& s) noexcept {
  return shrink(s.delay) << 36 | shrink(s.work) << 8 | s.epoch;
}
constexpr Speed unpack(std::uint64_t word) noexcept {
  return {widen(word >> 36), widen(word >> 8), static_cast<std::uint8_t>(word)};
}

}  // namespace speed

// ---- Error: the decayed share of failures, and when it was that (ms modulo 2^32).
struct ErrorShare {
  float share = 0;
  std::uint32_t ms = 0;
};

namespace error {

constexpr std::uint64_t pack(const ErrorShare& e) noexcept {
  return std::uint64_t{std::bit_cast<std::uint32_t>(e.share)} << 32 | e.ms;
}
constexpr ErrorShare unpack(std::uint64_t word) noexcept {
  return {std::bit_cast<float>(static_cast<std::uint32_t>(word >> 32)),
          static_cast<std::uint32_t>(word)};
}

}  // namespace error

// ---- Answer time: its average in seconds, and when it was that (ms modulo 2^32).
struct AnswerTime {
  float seconds = 0;  // 0 = unknown
  std::uint32_t ms = 0;
};

namespace answer_time {

constexpr std::uint64_t pack(const AnswerTime& t) noexcept {
  return std::uint64_t{std::bit_cast<std::uint32_t>(t.seconds)} << 32 | t.ms;
}
constexpr AnswerTime unpack(std::uint64_t word) noexcept {
  return {std::bit_cast<float>(static_cast<std::uint32_t>(word >> 32)),
          static_cast<std::uint32_t>(word)};
}

}  // namespace answer_time

// ---- Load report: the last figures, smoothed, and when it was that (ms modulo 2^32). Each figure
// is in steps of 1/1000 (memory 1/200), one more than it is, so that zero is unknown.
struct Reported {
  static constexpr float kMost = 4;

  float utilisation = -1;
  float cpu = -1;
  float memory = -1;
  std::uint32_t ms = 0;
};

namespace reported {

constexpr std::uint64_t shrink(float x, float most, float steps) noexcept {
  if (!(x >= 0)) return 0;
  return 1 + static_cast<std::uint64_t>((x < most ? x : most) * steps + 0.5F);
}
constexpr float widen(std::uint64_t bits, float steps) noexcept {
  return bits == 0 ? -1 : static_cast<float>(bits - 1) / steps;
}
constexpr std::uint64_t pack(const Reported& r) noexcept {
  return shrink(r.utilisation, Reported::kMost, 1000) << 52 |
         shrink(r.cpu, Reported::kMost, 1000) << 40 | shrink(r.memory, 1, 200) << 32 | r.ms;
}
constexpr Reported unpack(std::uint64_t word) noexcept {
  return {widen(word >> 52, 1000), widen(word >> 40 & 0xfff, 1000), widen(word >> 32 & 0xff, 200),
          static_cast<std::uint32_t>(word)};
}

}  // namespace reported

// ---- Queued: requests that wait at a server and that it works on, by its own account, and when it
// said so (ms modulo 2^32). One more than they are, so that zero is unknown; at most 65534.
struct Queued {
  float waiting = -1;
  float running = -1;
  std::uint32_t ms = 0;
};

namespace queued {

constexpr float kMost = 65534;
constexpr std::uint64_t pack(const Queued& q) noexcept {
  return reported::shrink(q.waiting, kMost, 1) << 48 | reported::shrink(q.running, kMost, 1) << 32 |
         q.ms;
}
constexpr Queued unpack(std::uint64_t word) noexcept {
  return {reported::widen(word >> 48, 1), reported::widen(word >> 32 & 0xffff, 1),
          static_cast<std::uint32_t>(word)};
}

}  // namespace queued

// ---- Health: passive failure counting with nginx's meaning of max_fails.
struct Health {
  std::uint32_t fails = 0;    // at most 32767
  bool probing = false;       // one attempt is on its way to see whether it is back
  std::int64_t until_ms = 0;  // failures count together, and keep it out, until then
};

namespace health {

constexpr std::uint64_t pack(const Health& h) noexcept {
  return std::uint64_t{h.fails < 0x7fff ? h.fails : 0x7fffU} << 49 |
         std::uint64_t{h.probing} << 48 | (static_cast<std::uint64_t>(h.until_ms) & 0xffffffffffff);
}
constexpr Health unpack(std::uint64_t word) noexcept {
  return {static_cast<std::uint32_t>(word >> 49), (word >> 48 & 1) != 0,
          static_cast<std::int64_t>(word & 0xffffffffffff)};
}

}  // namespace health

// ---- Costs of a route: x_r and its slow copy x_r'. Zero = unknown.
struct Costs {
  float cost = 0;
  float slow = 0;
};

namespace costs {

constexpr std::uint64_t pack(const Costs& c) noexcept {
  return std::uint64_t{std::bit_cast<std::uint32_t>(c.cost)} << 32 |
         std::bit_cast<std::uint32_t>(c.slow);
}
constexpr Costs unpack(std::uint64_t word) noexcept {
  return {std::bit_cast<float>(static_cast<std::uint32_t>(word >> 32)),
          std::bit_cast<float>(static_cast<std::uint32_t>(word))};
}

}  // namespace costs

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_PACKED_H_
