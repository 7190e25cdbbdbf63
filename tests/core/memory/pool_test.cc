#include "leastwise/pool.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

using PoolTest = PoolFixture;

TEST_F(PoolTest, TooLittleMemoryIsRefusedAndSaysHowMuchIsNeeded) {
  Memory memory(Pool::bytes_for(8) - 1);
  Pool pool;
  const Status status = Pool::create(memory.span(), 8, pool);
  EXPECT_EQ(status.code(), Status::Code::kNoMemory);
  EXPECT_NE(std::string(status.message()).find(std::to_string(Pool::bytes_for(8))),
            std::string::npos);
  EXPECT_FALSE(pool);
}

TEST_F(PoolTest, CapacityForIsTheInverseOfBytesFor) {
  for (const std::size_t n : {1U, 2U, 16U, 63U, 1000U, 16384U}) {
    EXPECT_EQ(Pool::capacity_for(Pool::bytes_for(n)), n);
    EXPECT_EQ(Pool::capacity_for(Pool::bytes_for(n) - 1), n - 1);
  }
  EXPECT_EQ(Pool::capacity_for(0), 0U);
}

// The one that is touched, and a KiB of rows for processes that may never come.
TEST_F(PoolTest, OneEndpointTakesAKilobyteOfAddressesMoreThanOfMemory) {
  constexpr std::size_t kEndpoints = 4096;
  EXPECT_LE((Pool::bytes_for(10'000) - Pool::bytes_for(5'000)) / 5'000, 3784U);
  const std::size_t bytes = Pool::bytes_for(kEndpoints);
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(at, MAP_FAILED);
  Pool pool;
  ASSERT_TRUE(Pool::create({static_cast<std::byte*>(at), bytes}, kEndpoints, pool).ok());
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((bytes + page - 1) / page);
  const auto touched = [&] {
    EXPECT_EQ(::mincore(at, bytes, pages.data()), 0);
    return page * static_cast<std::size_t>(
                      std::ranges::count_if(pages, [](unsigned char p) { return (p & 1) != 0; }));
  };
  const std::size_t before = touched();
  EXPECT_LE(before, kEndpoints * 2768 + 256 * 1024);
  for (std::uint32_t pid = 1; pid <= 16; ++pid) pool.join({.pid = pid}, everybody_lives);
  EXPECT_LE(touched() - before, 16 * kEndpoints * sizeof(std::int32_t) + page);
  ::munmap(at, bytes);
}

TEST_F(PoolTest, APoolWithoutEndpointsOrWithTooManyIsRefused) {
  Memory memory(1 << 20);
  Pool pool;
  EXPECT_EQ(Pool::create(memory.span(), 0, pool).code(), Status::Code::kOutOfRange);
  EXPECT_EQ(Pool::create(memory.span(), kMaxEndpoints + 1, pool).code(), Status::Code::kOutOfRange);
}

TEST_F(PoolTest, MemorySurvivesAReloadAtAnotherAddress) {
  make({1, 1});
  sequence(10);
  Memory moved(memory_.span().size());
  std::memcpy(moved.span().data(), memory_.span().data(), memory_.span().size());
  Pool again;
  ASSERT_TRUE(Pool::attach(moved.span(), again).ok());
  EXPECT_EQ(again.view().endpoints, 2U);
  const EndpointId id = again.find(view(0).name);
  EXPECT_EQ(again.view(id, config_, now_).picks, 5U);
}

TEST_F(PoolTest, ForeignMemoryIsRefused) {
  make({1});
  Pool again;
  EXPECT_EQ(Pool::attach({}, again).code(), Status::Code::kCorrupt);
  EXPECT_EQ(Pool::attach(memory_.span().first(1000), again).code(), Status::Code::kCorrupt);
  EXPECT_EQ(Pool::attach(memory_.span().first(Pool::bytes_for(16) - 64), again).code(),
            Status::Code::kCorrupt);
  for (const std::size_t at : {0U, 8U, 12U, 16U}) {  // magic, layout, capacity, hash
    Memory damaged(memory_.span().size());
    std::memcpy(damaged.span().data(), memory_.span().data(), damaged.span().size());
    damaged.span()[at + 3] ^= std::byte{0x77};
    EXPECT_EQ(Pool::attach(damaged.span(), again).code(), Status::Code::kCorrupt) << at;
  }
  EXPECT_FALSE(again);
}

TEST_F(PoolTest, MigrationKeepsWhatWasLearnedByName) {
  make({1, 1, 1});
  for (int i = 0; i < 20; ++i) {
    sequence(10, 3ms);
    tick();
  }
  const float slowness = view(1).slowness;
  const Ticket open = pick();
  Memory memory(Pool::bytes_for(64));
  Pool bigger;
  ASSERT_TRUE(Pool::create(memory.span(), 64, bigger).ok());
  ASSERT_TRUE(bigger.migrate(pool_).ok());
  EXPECT_EQ(bigger.view().endpoints, 3U);
  EXPECT_EQ(bigger.view().learned, true);
  EXPECT_FLOAT_EQ(bigger.view().mean_cost, pool_.view().mean_cost);
  const EndpointView moved = bigger.view(bigger.find(view(1).name), config_, now_);
  EXPECT_FLOAT_EQ(moved.slowness, slowness);
  EXPECT_EQ(moved.picks, view(1).picks);
  const EndpointId busy = bigger.find(pool_.view(open.id, config_, now_).name);
  EXPECT_EQ(bigger.view(busy, config_, now_).in_flight, 0U);
}

TEST_F(PoolTest, MigrationToASmallerPoolSaysThatNotAllFit) {
  make({1, 1, 1});
  Memory memory(Pool::bytes_for(2));
  Pool smaller;
  ASSERT_TRUE(Pool::create(memory.span(), 2, smaller).ok());
  EXPECT_EQ(smaller.migrate(pool_).code(), Status::Code::kNoMemory);
  EXPECT_EQ(smaller.view().endpoints, 2U);
}

}  // namespace
}  // namespace leastwise
