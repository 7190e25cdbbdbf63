// Silence: how long an endpoint has given no answer, in answers of its pool and in time.
#ifndef LEASTWISE_SRC_MODEL_SILENCE_H_
#define LEASTWISE_SRC_MODEL_SILENCE_H_

#include <cstdint>

namespace leastwise {

// Of one endpoint; all-zero at first. Written by the holder of the tick only.
struct Silence {
  // Of who may be far away:
  static constexpr std::uint64_t kAnswersEach = 256;  // of the pool, for each endpoint, at least
  static constexpr std::int64_t kDecays = 2;          // decay times, at least

  // Each tick. `speed` is the endpoint's word, which each of its answers changes; `answers`: the
  // pool's so far.
  void look(std::uint64_t speed, std::uint64_t answers, std::int64_t now_ms) noexcept {
    if (speed == word && since_ms <= now_ms && since_ms != 0) return;
    word = speed;
    since_answers = answers;
    since_ms = now_ms;
  }
  std::uint64_t lasts_answers(std::uint64_t answers) const noexcept {
    return answers - since_answers;
  }
  std::int64_t lasts_ms(std::int64_t now_ms) const noexcept { return now_ms - since_ms; }

  std::uint64_t word = 0;  // as last seen
  std::uint64_t since_answers = 0;
  std::int64_t since_ms = 0;
  std::int32_t trials = 0;  // since it was found slow; begins below zero for who was well before
  std::uint32_t own_answers = 0;  // of it, by the last look, modulo 2^32: learn/stall.h
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_SILENCE_H_
