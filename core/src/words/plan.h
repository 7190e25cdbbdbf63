// Plan: what the slow half tells the picks. Immutable once published.
#ifndef LEASTWISE_SRC_WORDS_PLAN_H_
#define LEASTWISE_SRC_WORDS_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "leastwise/pool.h"
#include "words/cell.h"
#include "words/float4.h"

namespace leastwise {

struct Plan {
  static constexpr std::uint32_t kTable = 128;

  // What depends on the number of requests in flight, q, worked out ahead: a pick then
  // needs one division per endpoint, and no power.
  struct alignas(16) Step {
    Cell<float> wait;     // w(q)
    Cell<float> ahead;    // (1-ψ) 0.8 w(q)/q, for each unit of the load word: what is waited for
    Cell<float> tie;      // 0.001 x̄ q
    Cell<float> caution;  // (1+q)^κ

    Float4 all() const noexcept { return get_four(&wait); }
  };
  static_assert(sizeof(Step) == sizeof(Float4));

  // What counts as answered before an endpoint's first answer.
  struct Anchor {
    Cell<float> work, delay;
  };

  Cell<std::uint32_t> plain;     // 1: learned, chosen by the policy, and nothing in transit
  Cell<std::uint32_t> learned;   // 0: choose as least_conn does
  Cell<Chooser> chooser;         // by all but kPolicy, too
  Cell<std::uint32_t> transit;   // not 0: some endpoint has attempts in transit
  Cell<float> mean_cost;         // x̄, seconds; 0 = nothing is known
  Cell<float> long_time;         // seconds from which a request stays long
  Cell<float> mean_predicted;    // mean of p, seconds
  Cell<float> slowness;          // G
  Anchor others, alike;          // K G and K, in seconds, of those that are alike and of all others
  Cell<float> centre;            // g of those that are alike,
  Cell<float> chance, reach;     // and how far off they may be, see is_alike()
  Cell<float> prior;             // K of those that are alike, in mean costs
  Cell<float> near;              // t: predicted delays within this share of the least are a tie
  Cell<std::uint32_t> weighted;  // not 0: weights differ, and so near ties do not go by score
  Cell<float> sharing;           // ψ
  Cell<float> price;             // η
  Cell<float> mean_wait;         // w̄
  Cell<float> caution_exponent;  // κ
  Cell<float> patience;          // p99 of the pool's answers, seconds; 0 = unknown
  Cell<std::uint64_t> samples;   // that the model had learned from
  std::array<Step, kTable> steps;

  // Beyond the table the curve is a line through the origin, as a queue is.
  static constexpr float beyond(std::uint32_t q) noexcept {
    return static_cast<float>(q) / static_cast<float>(kTable - 1);
  }
  float wait_at(std::uint32_t q) const noexcept {
    if (q < kTable) return steps[q].wait.get();
    return steps[kTable - 1].wait.get() * beyond(q);
  }
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_PLAN_H_
