// Neither half of a request's path allocates, whatever the policy and the size of the pool.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "bench/core/traffic.h"

namespace {
std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace leastwise {
namespace {

TEST(AllocationTest, TheCounterCounts) {
  const std::uint64_t before = allocations;
  auto* volatile number = new int(1);
  delete number;
  EXPECT_GT(allocations, before);
}

TEST(AllocationTest, AMillionPicksAllocateNothing) {
  for (const std::size_t endpoints : {8UL, 1000UL}) {
    bench::SharedPool pool(endpoints);
    for (const Policy* policy : policies()) {
      bench::Traffic traffic(pool, policy->name, 0);
      traffic.warm_up();
      const std::uint64_t before = allocations;
      for (int i = 0; i < 62'500; ++i) traffic.step();  // times 8 policies and 2 sizes
      EXPECT_EQ(allocations, before) << policy->name << ' ' << endpoints;
    }
  }
}

}  // namespace
}  // namespace leastwise
