// What a quarter of an hour of traffic shows and half a minute does not.
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "policies/core_balancer.h"

namespace leastwise::sim {
namespace {

// Hands on what the pool knows before its balancer goes.
class Watched final : public Balancer {
 public:
  Watched(const World& world, std::uint64_t seed, PoolView& last)
      : inner_(world, Config{}, seed), last_(last) {}

  std::optional<std::uint32_t> pick(const Job& job) override { return inner_.pick(job); }
  void finish(const Job& job, const Answer& answer) override { inner_.finish(job, answer); }
  void tick() override {
    inner_.tick();
    last_ = inner_.pool().view();
  }

 private:
  CoreBalancer inner_;
  PoolView& last_;
};

Scenario quarter_of_an_hour() {
  Scenario s;
  s.duration_ms = 900'000;
  s.load = 0.7;
  return s;
}

PoolView known_after(const Scenario& scenario) {
  PoolView last;
  Engine(scenario).run([&](const World& world, std::uint64_t seed) {
    return std::make_unique<Watched>(world, seed, last);
  });
  return last;
}

// Without the anchor of Model::own_time they were off by factors of 50 and 3,000 by now.
bool is_within_twice(double x, double of) { return x > of / 2 && x < of * 2; }

TEST(LongRunTest, CostsStaySecondsOnEqualServers) {
  const PoolView known = known_after(quarter_of_an_hour());
  EXPECT_TRUE(is_within_twice(known.mean_cost, 0.010)) << known.mean_cost;
  EXPECT_TRUE(is_within_twice(known.slowness, 1)) << known.slowness;
}

// Later, without it, this pool had a mean of 85 times least_conn's.
TEST(LongRunTest, CostsStaySecondsOnUnevenServersThatShare) {
  Scenario s = quarter_of_an_hour();
  s.discipline = Discipline::kSharing;
  s.speed_spread = 4;
  s.routes = {{0.9, 2, Size::kExponential, 0}, {0.1, 82, Size::kPareto, 1.5}};
  const PoolView known = known_after(s);
  // 10 ms on a server of speed 1; speeds are 1 to 4, 2.2 by the work that each does.
  EXPECT_TRUE(is_within_twice(known.mean_cost, 0.0045)) << known.mean_cost;
  EXPECT_TRUE(is_within_twice(known.slowness, 1)) << known.slowness;
}

}  // namespace
}  // namespace leastwise::sim
