// One emulated model server in real time: the simulator's (continuous batching, chunked prefill,
// LRU prefix cache), whose steps are timers.
//
// A client that leaves is served to the end all the same. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_REPLICA_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_REPLICA_H_

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "bench/backends/models/api.h"
#include "bench/common/slot_table.h"
#include "bench/common/time.h"
#include "sim/inference/server.h"

namespace leastwise::bench {

class Replica {
 public:
  struct Live {
    Handle client;
    bool keeps_alive = true;
    std::uint64_t number = 0;  // of the answer
    Completion completion;
    sim::Call call;
    std::uint32_t told = 0;  // of the tokens that are written

    bool is_done() const { return told == call.answer_tokens; }
    Usage usage() const { return {call.text.tokens(), call.cached_tokens, call.answer_tokens}; }
  };

  // Takes `slow` times as long for everything.
  Replica(std::size_t cache_tokens, double slow) : server_(cache_tokens) { server_.slow = slow; }

  // Begins at once if it was idle. Throws UsageError if the cache has no room for the whole.
  void arrive(Handle client, bool keeps_alive, std::uint64_t number, Completion completion,
              Time now);

  // When the step that runs is over; none while it is idle.
  std::optional<Time> next_due() const { return step_ends_; }

  // Ends the steps that are over, and calls on_token(live, at) for each token that was written. A
  // step begins when the one before was to end, so that late timers do not add up.
  template <class OnToken>
  void run(Time now, OnToken on_token) {
    while (step_ends_ && *step_ends_ <= now) {
      end_step();
      for (Live& live : live_) {
        while (live.told < live.call.written) {
          const std::uint32_t at = live.told++;
          on_token(std::as_const(live), at);
        }
      }
      std::erase_if(live_, [](const Live& live) { return live.is_done(); });
    }
  }

  // As vLLM's.
  std::string metrics() const;

 private:
  void begin_step(Time at);
  void end_step();

  sim::ModelServer server_;
  std::list<Live> live_;  // their addresses stay
  std::optional<Time> step_ends_;
  std::vector<sim::Call*> began_, ended_;
  std::uint64_t prompt_tokens_ = 0, cached_tokens_ = 0, answer_tokens_ = 0;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_REPLICA_H_
