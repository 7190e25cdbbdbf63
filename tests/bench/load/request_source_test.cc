#include "bench/load/request_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace leastwise::bench {
namespace {

ArrivalPlan plan_of(double rate, std::uint64_t seed) {
  ArrivalPlan plan;
  plan.phases = {{Duration::zero(), rate}};
  plan.end = from_seconds(100);
  plan.seed = seed;
  return plan;
}

std::vector<Request> take(RequestSource source, std::size_t count) {
  std::vector<Request> requests;
  while (requests.size() < count) requests.push_back(source.next().value());
  return requests;
}

TEST(RequestSource, TheIthRequestIsTheSameWhateverTheRate) {
  const Mix mix = Mix::parse("/a:1,/b:3");
  const auto slow = take(RequestSource(plan_of(10, 5), mix, 0.1), 500);
  const auto fast = take(RequestSource(plan_of(1000, 5), mix, 0.1), 500);
  for (std::size_t i = 0; i < slow.size(); ++i) {
    EXPECT_EQ(slow[i].path, fast[i].path);
    EXPECT_EQ(slow[i].u, fast[i].u);
    EXPECT_EQ(slow[i].is_aborted, fast[i].is_aborted);
  }
}

TEST(RequestSource, AbortingSomeChangesNoDemand) {
  const Mix mix = Mix::parse("/a:1,/b:3");
  const auto none = take(RequestSource(plan_of(10, 5), mix, 0), 500);
  const auto half = take(RequestSource(plan_of(10, 5), mix, 0.5), 500);
  for (std::size_t i = 0; i < none.size(); ++i) {
    EXPECT_EQ(none[i].at, half[i].at);
    EXPECT_EQ(none[i].path, half[i].path);
    EXPECT_EQ(none[i].u, half[i].u);
    EXPECT_FALSE(none[i].is_aborted);
  }
}

TEST(RequestSource, AClosedLoopAsksForTheSameSequence) {
  const Mix mix = Mix::parse("/a:1,/b:3");
  const auto open = take(RequestSource(plan_of(10, 5), mix, 0), 100);
  RequestSource closed(plan_of(10, 5), mix, 0);
  for (const Request& request : open) {
    const Request same = closed.next_at(from_seconds(7));
    EXPECT_EQ(same.path, request.path);
    EXPECT_EQ(same.u, request.u);
    EXPECT_EQ(same.at, from_seconds(7));
  }
}

// Demands must not depend on the path: corr = 0 with standard error 1/sqrt(n) = 0.01; 5 of them.
TEST(RequestSource, PathAndDemandAreIndependent) {
  const Mix mix = Mix::parse("/a:1,/b:1");
  RequestSource source(plan_of(10, 9), mix, 0);
  double sum = 0;
  constexpr int kCount = 10'000;
  for (int i = 0; i < kCount; ++i) {
    const Request request = source.next_at(Duration::zero());
    // Both factors have mean 0 and variances 1/4 and 1/12.
    sum += (request.path - 0.5) * (request.u - 0.5) / std::sqrt(1.0 / 48);
  }
  EXPECT_NEAR(sum / kCount, 0, 0.05);
}

}  // namespace
}  // namespace leastwise::bench
