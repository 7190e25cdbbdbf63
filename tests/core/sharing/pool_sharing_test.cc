// Two balancers of the same servers, each with a pool of its own.
#include "sharing/pool_sharing.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <set>
#include <vector>

#include "leastwise/config.h"
#include "leastwise/picker.h"

namespace leastwise::sharing {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

class Balancer {
 public:
  Balancer(std::uint64_t life, const std::vector<const char*>& names) : sharing(life) {
    EXPECT_TRUE(Pool::create(std::as_writable_bytes(std::span(memory_)), names.size(), pool).ok());
    for (const char* name : names) servers.push_back(pool.add(name));
  }
  std::uint32_t elsewhere(std::size_t i) const {
    return pool.view(servers[i], Config{}, kStart).elsewhere;
  }

  Pool pool;
  PoolSharing sharing;
  std::vector<EndpointId> servers;

 private:
  struct alignas(64) Line : std::array<std::byte, 64> {};
  std::vector<Line> memory_ = std::vector<Line>(Pool::bytes_for(2) / sizeof(Line) + 1);
};

std::set<std::uint32_t> told_by(Balancer& balancer) {
  std::set<std::uint32_t> servers;
  const auto told = decode(balancer.sharing.tell(balancer.pool));
  for (const ServerReport& s : told->servers) servers.insert(s.server);
  return servers;
}

TEST(PoolSharing, KnowsServersByTheirAddresses) {
  Balancer a(1, {"app/s1@10.0.0.1:80", "app/s2@10.0.0.2:80"});
  Balancer b(2, {"app/x@10.0.0.2:80", "app/y@10.0.0.1:80"});
  EXPECT_EQ(told_by(a), told_by(b));
  EXPECT_EQ(told_by(a), (std::set{hash_of("10.0.0.1:80"), hash_of("10.0.0.2:80")}));
}

TEST(PoolSharing, ShowsWhatTheOthersHave) {
  Balancer a(1, {"app/s1@10.0.0.1:80", "app/s2@10.0.0.2:80"});
  const std::string told =
      encode({.life = 2,
              .number = 1,
              .servers = {{.server = hash_of("10.0.0.2:80"), .requests = 3, .work = 1}}});
  a.sharing.tell(a.pool);
  EXPECT_TRUE(a.sharing.hear("b", told, kStart));
  EXPECT_EQ(a.sharing.take_in(a.pool, kStart, false), 1U);
  EXPECT_EQ(a.elsewhere(0), 0U);
  EXPECT_EQ(a.elsewhere(1), 3U);
}

TEST(PoolSharing, ForgetsWhoIsSilent) {
  Balancer a(1, {"app/s1@10.0.0.1:80"});
  const std::string told =
      encode({.life = 2,
              .number = 1,
              .servers = {{.server = hash_of("10.0.0.1:80"), .requests = 3, .work = 1}}});
  a.sharing.tell(a.pool);
  EXPECT_TRUE(a.sharing.hear("b", told, kStart));
  a.sharing.take_in(a.pool, kStart, true);
  EXPECT_EQ(a.elsewhere(0), 3U);
  EXPECT_EQ(a.sharing.take_in(a.pool, kStart + std::chrono::seconds(6), true), 0U);
  EXPECT_EQ(a.elsewhere(0), 0U);
}

TEST(PoolSharing, RefusesWhatIsNoReport) {
  Balancer a(1, {"app/s1@10.0.0.1:80"});
  EXPECT_FALSE(a.sharing.hear("b", "LWS1 and more", kStart));
  EXPECT_EQ(a.sharing.take_in(a.pool, kStart, true), 0U);
}

}  // namespace
}  // namespace leastwise::sharing
