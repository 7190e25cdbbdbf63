// History: what the status tells of the last minute and of the last ten, and of the last decisions.
// No pick waits for it or goes by it: damage here is a wrong line on a page.
#ifndef LEASTWISE_SRC_MEMORY_HISTORY_H_
#define LEASTWISE_SRC_MEMORY_HISTORY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "leastwise/endpoint.h"
#include "leastwise/explain.h"
#include "leastwise/histogram.h"
#include "words/cell.h"

namespace leastwise::state {

// What an endpoint had counted at an instant, modulo 2^32: differences are what is read.
struct Glance {
  Cell<std::int64_t> ms;  // 0 = never
  Cell<std::uint32_t> failures;
  std::array<Cell<std::uint32_t>, 6> responses;
  std::array<Cell<std::uint32_t>, Histogram::kBuckets> times;
};

// The last two glances, kWindowMs apart: what came since the older one is half a minute to a whole
// one. Written by the holder of the tick alone.
struct Window {
  static constexpr std::int64_t kWindowMs = 30'000;
  Cell<std::uint32_t> newer;  // which of the two
  std::array<Glance, 2> glances;
};

// One point of the pool's ten minutes.
struct Moment {
  Cell<std::int64_t> ms;  // when it ended; 0 = never was
  Cell<std::uint32_t> span_ms, answers, failures;
  Cell<float> p50, p99;  // seconds
};

// A ring of moments, and the sums at the end of the last. Written by the holder of the tick alone.
struct History {
  static constexpr std::int64_t kStepMs = 10'000;
  static constexpr std::size_t kMoments = 64;  // those of ten minutes, and some to spare
  Cell<std::uint32_t> next;                    // how many there were
  Cell<std::int64_t> since_ms;                 // of the sums; 0 = none yet
  Cell<std::uint64_t> answers, failures;
  std::array<Cell<std::uint64_t>, Histogram::kBuckets> times;
  std::array<Moment, kMoments> moments;
};

// A decision that was written down, in a slot of a ring. Who writes says so by `turn`, odd while it
// does, and a reader takes what it read only when that stayed the same: nobody waits.
struct NotedDecision {
  struct Party {
    Cell<std::uint32_t> id, in_flight;
    Cell<float> delay, figure;
    Cell<LeftOut> why;
  };
  std::atomic<std::uint32_t> turn;
  Cell<std::uint32_t> reason, route, candidates;
  Cell<std::int64_t> ms;
  Party chosen, second;
  std::array<Party, Decision::kMostLeftOut> left_out;
};

struct DecisionLog {
  static constexpr std::size_t kSlots = 32;
  Cell<std::uint32_t> next;
  std::array<NotedDecision, kSlots> slots;
};

void copy_window(const Window& from, Window& to) noexcept;
void copy_history(const History& from, History& to) noexcept;
void reset_window(Window& window) noexcept;

// How often a pick had another reason than its policy, by processes that share a line.
struct alignas(64) ReasonCounts {
  std::array<Cell<std::uint64_t>, kReasons> counts;
};

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_MEMORY_HISTORY_H_
