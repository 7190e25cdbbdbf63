// What a pick and a finish take, by policy, endpoints and threads. Times are the machine's own:
// compare rows of one run only.
#include <benchmark/benchmark.h>

#include <memory>

#include "bench/core/traffic.h"

namespace leastwise::bench {
namespace {

void pick_and_finish(benchmark::State& state, const char* policy) {
  static std::unique_ptr<SharedPool> pool;  // of the running benchmark; made by its first thread
  if (state.thread_index() == 0) {
    pool = std::make_unique<SharedPool>(static_cast<std::size_t>(state.range(0)));
    Traffic(*pool, policy, 100).warm_up();
  }
  std::unique_ptr<Traffic> traffic;
  for (auto _ : state) {
    // The first round begins behind a barrier: now the pool is there.
    if (!traffic) {
      state.PauseTiming();
      traffic = std::make_unique<Traffic>(*pool, policy,
                                          static_cast<std::uint32_t>(state.thread_index()));
      traffic->warm_up();
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(traffic->step());
  }
  state.SetItemsProcessed(state.iterations());
}

void add_all() {
  for (const Policy* policy : policies()) {
    const std::string name(policy->name);
    auto* added = benchmark::RegisterBenchmark(
        name.c_str(),
        [text = policy->name](benchmark::State& state) { pick_and_finish(state, text.data()); });
    for (const int endpoints : {2, 8, 64, 1000, 10'000}) added->Arg(endpoints);
    added->ThreadRange(1, 2)->UseRealTime();
  }
}

}  // namespace
}  // namespace leastwise::bench

int main(int argc, char** argv) {
  leastwise::bench::add_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
