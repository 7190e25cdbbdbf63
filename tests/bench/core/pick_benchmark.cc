// What a pick and a finish take, by policy, endpoints and threads. Times are the machine's own:
// compare rows of one run only.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <vector>

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

// The least that sharing can cost: counts in flight, a line for each endpoint, and nothing else.
// Each step takes one back, looks at all, and adds one to the least.
void counts_only(benchmark::State& state) {
  struct alignas(64) Count {
    std::atomic<std::uint32_t> in_flight;
  };
  static std::array<Count, 64> shared;
  const std::span counts = std::span(shared).first(static_cast<std::size_t>(state.range(0)));
  std::vector<std::size_t> open(2 * counts.size());
  for (std::size_t i = 0; i < open.size(); ++i) {
    open[i] = i % counts.size();
    counts[open[i]].in_flight.fetch_add(1, std::memory_order_relaxed);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    counts[open[next]].in_flight.fetch_sub(1, std::memory_order_relaxed);
    const auto least = std::ranges::min_element(counts, {}, [](const Count& count) {
      return count.in_flight.load(std::memory_order_relaxed);
    });
    least->in_flight.fetch_add(1, std::memory_order_relaxed);
    open[next] = static_cast<std::size_t>(least - counts.begin());
    if (++next == open.size()) next = 0;
  }
  for (const std::size_t i : open) counts[i].in_flight.fetch_sub(1, std::memory_order_relaxed);
  state.SetItemsProcessed(state.iterations());
}

void add_all() {
  auto* floor = benchmark::RegisterBenchmark("counts_only", counts_only);
  for (const int endpoints : {2, 8, 64}) floor->Arg(endpoints);
  floor->ThreadRange(1, 2)->UseRealTime();
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
