// Vitals: whether the threads that serve still make their rounds. A process can be there while one
// of its threads hangs; who vouches for the process looks here first.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_VITALS_H_
#define LEASTWISE_SPOE_AGENT_SERVE_VITALS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "serve/counter.h"

namespace leastwise::agent {

class Vitals {
 public:
  // `rounds` is counted up by that thread, also while there is nothing to do.
  void watch(std::string_view thread, const Counter& rounds) {
    threads_.push_back({thread, &rounds, 0});
  }

  // The threads without a round since the last call, as "pick, learn"; empty when all are well. To
  // be called no more often than a thread that has nothing to do makes a round: 100 ms.
  std::string hanging() {
    std::string names;
    for (Thread& t : threads_) {
      const std::uint64_t rounds = t.rounds->get();
      if (rounds == t.seen) names += (names.empty() ? "" : ", ") + std::string(t.name);
      t.seen = rounds;
    }
    return names;
  }

 private:
  struct Thread {
    std::string_view name;
    const Counter* rounds;
    std::uint64_t seen;
  };
  std::vector<Thread> threads_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_VITALS_H_
