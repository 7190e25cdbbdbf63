// Silence: an endpoint that was found slow, and so gets no requests, is asked again.
//
// Nothing new is learned of who is not asked, and old answers fade with the decay time only: after
// a brown-out of 20 times an idle server was left alone for half a minute. So a slow endpoint that
// is silent for a while becomes unknown. It is then picked as one of the pool's mean; a single
// answer tells whether it has recovered. How often that may happen goes by the pool's answers,
// so that those that are slow for good cost a bounded share of requests, in a pool of any size.
#ifndef LEASTWISE_SRC_MODEL_SILENCE_H_
#define LEASTWISE_SRC_MODEL_SILENCE_H_

#include <cstdint>

namespace leastwise {

// Of one endpoint; all-zero at first. Written by the holder of the tick only.
struct Silence {
  static constexpr float kSlow = 2;                   // times the pool's slowness
  static constexpr std::uint64_t kAnswersEach = 256;  // of the pool, for each endpoint, at least
  static constexpr std::int64_t kDecayPart = 4;       // of the decay time, at least
  static constexpr std::int64_t kDistant = 8;         // times that

  // Whether it is time to ask again. `speed` is the endpoint's word, `answers` and `due` the
  // pool's answers so far and how many make a silence.
  bool is_over(std::uint64_t speed, std::uint64_t answers, std::uint64_t due, std::int64_t now_ms,
               std::int64_t least_ms) noexcept {
    if (speed != word || since_ms > now_ms || since_ms == 0) {
      word = speed;
      since_answers = answers;
      since_ms = now_ms;
      return false;
    }
    return answers - since_answers >= due && now_ms - since_ms >= least_ms;
  }

  // One that counts as far away: again after eight times as long, since a server that is far away
  // for good costs its way each time.
  bool is_over_for_the_distant(std::int64_t now_ms, std::int64_t least_ms) const noexcept {
    return now_ms - since_ms >= kDistant * least_ms;
  }

  std::uint64_t word = 0;  // as last seen
  std::uint64_t since_answers = 0;
  std::int64_t since_ms = 0;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_SILENCE_H_
