// Shadow: what is kept of choices that were not made, while a pool only watches (Config::observe).
//
// The answers that there are stand for those that there would be: of an endpoint that Leastwise
// would have picked twice as often each counts twice (importance sampling), and as so much longer
// as the model expects of what would wait there then. So each endpoint's own spread is in what is
// expected, its tail too, which no mean of a model has.
#ifndef LEASTWISE_SRC_MEMORY_SHADOW_H_
#define LEASTWISE_SRC_MEMORY_SHADOW_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "leastwise/histogram.h"
#include "words/cell.h"

namespace leastwise::state {

// Of an endpoint.
struct alignas(64) Shadowed {
  // What would be in flight there, in sixteenths of a request. Who would have been answered in a
  // quarter of the time that it takes where it is counts as a quarter for all of that time, so that
  // the mean is right (Little 1961). What a process that died left of it fades.
  Cell<std::uint32_t> load;
  static constexpr std::uint32_t kOne = 16;
  static constexpr std::uint32_t kMost = 16 * kOne;  // of one request

  // Picks that would have been, and those that were, with the sums of what was expected of them.
  Cell<std::uint64_t> would, would_us, sent, sent_us;

  // By the holder of the tick alone: the sums when it last looked, what came since, decayed,
  Cell<std::uint64_t> would_seen, would_us_seen, sent_seen, sent_us_seen;
  Cell<float> would_sum, would_delay, sent_sum, sent_delay;
  // and what follows: what each answer counts, and how much longer it would have taken.
  Cell<float> weight, stretch;
};

// Answers of a span of time, as they were and as they would have been, in units of 1/kUnit.
struct ShadowBank {
  static constexpr double kUnit = 1024;

  Cell<std::uint64_t> answers, micros, failures;
  Cell<std::uint64_t> weights, would_micros, would_failures;  // times kUnit; micros are not
  Cell<std::uint64_t> foreseen, foreseen_micros;              // picks, and what was expected
  std::array<Cell<std::uint64_t>, Histogram::kBuckets> times, would_times;

  void clear() noexcept;
};

// Of processes that share a line. Two banks, of which the older goes when the newer is full.
struct alignas(64) ShadowLane {
  Cell<std::uint64_t> decisions, differ;
  std::array<ShadowBank, 2> banks;
};

struct Shadow {
  static constexpr std::size_t kLanes = 8;
  static constexpr std::int64_t kBankMs = 300'000;

  Cell<std::uint32_t> bank;      // that is filled
  Cell<std::uint32_t> is_ready;  // weights are known
  Cell<std::int64_t> since_ms;   // of that bank; 0 = nothing was watched yet
  Cell<std::int64_t> before_ms;  // of the other one, 0 = it is empty
  std::array<ShadowLane, kLanes> lanes;

  ShadowBank& current(std::size_t lane) noexcept {
    return lanes[lane % kLanes].banks[bank.get() % 2];
  }
};

void reset_shadowed(Shadowed& shadowed) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_MEMORY_SHADOW_H_
