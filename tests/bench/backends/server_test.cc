#include "bench/backends/server.h"

#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

#include "bench/load/request_source.h"

namespace leastwise::bench {
namespace {

constexpr Time at(double ms) { return Time(from_ms(ms)); }

ServerConfig with(int slots, int queue_limit = 100) {
  ServerConfig config;
  config.name = "s";
  config.behaviour.slots = slots;
  config.behaviour.queue_limit = queue_limit;
  return config;
}

Job job_of(double mean_ms, double u = 0.5) {
  Job job;
  job.mean = from_ms(mean_ms);
  job.u = u;
  return job;
}

TEST(Server, QueuesBeyondItsSlotsAndRejectsBeyondItsQueue) {
  Server server(with(1, 1), at(0));
  EXPECT_EQ(server.admit(job_of(1), at(0)), Server::Admission::kStart);
  EXPECT_EQ(server.admit(job_of(2), at(0)), Server::Admission::kQueued);
  EXPECT_EQ(server.admit(job_of(3), at(0)), Server::Admission::kRejected);
  EXPECT_FALSE(server.next(at(1)));
  server.finish(at(1));
  const auto next = server.next(at(1));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->mean, from_ms(2));
  EXPECT_EQ(server.counters().rejected, 1U);
  EXPECT_EQ(server.counters().queue_peak, 1U);
}

TEST(Server, AHangingServerKeepsAllUntilItDoesNot) {
  Server server(with(4), at(0));
  server.set("x", "hang", true, at(0));
  EXPECT_EQ(server.admit(job_of(1), at(0)), Server::Admission::kQueued);
  EXPECT_FALSE(server.next(at(1)));
  server.set("x", "hang", false, at(2));
  EXPECT_TRUE(server.next(at(2)));
}

TEST(Server, CountsTheTimeItsSlotsWereBusy) {
  Server server(with(2), at(0));
  server.admit(job_of(1), at(0));
  server.admit(job_of(1), at(5));
  server.finish(at(10));
  server.finish(at(20));
  // 10 ms of the first, 15 ms of the second.
  EXPECT_NEAR(server.stats(0, 0, at(30))["busy_seconds"].get<double>(), 0.025, 1e-9);
}

TEST(Server, SlownessMultipliesAndWarmUpFallsLinearly) {
  Server server(with(1), at(0));
  server.set("x", "distribution", "const", at(0));
  server.set("x", "slow", 2, at(0));
  EXPECT_EQ(server.service_time(job_of(10), at(0)), from_ms(20));
  server.set("x", "warm_up", "5:4", at(1000));
  EXPECT_EQ(server.service_time(job_of(10), at(1000)), from_ms(100));
  EXPECT_EQ(server.service_time(job_of(10), at(3000)), from_ms(60));  // half way: (5+1)/2 times
  EXPECT_EQ(server.service_time(job_of(10), at(5000)), from_ms(20));
}

TEST(Server, SleepReplacesTheServiceTimeHoweverSlowTheServer) {
  Server server(with(1), at(0));
  server.set("x", "slow", 9, at(0));
  Job job = job_of(10);
  job.action.sleep = from_ms(7);
  EXPECT_EQ(server.service_time(job, at(0)), from_ms(7));
}

TEST(Server, ARestartForgetsWorkAndVoidsItsTimers) {
  Server server(with(1), at(0));
  server.admit(job_of(1), at(0));
  server.admit(job_of(1), at(0));
  const std::uint32_t before = server.epoch();
  server.restart(at(1));
  EXPECT_NE(server.epoch(), before);
  EXPECT_FALSE(server.next(at(1)));
  EXPECT_EQ(server.admit(job_of(1), at(1)), Server::Admission::kStart);
}

TEST(Server, BecomesAsConfiguredAgain) {
  Server server(with(3), at(0));
  server.set("x", "slots", 1, at(0));
  server.set_as_configured(at(1));
  EXPECT_EQ(server.behaviour().slots, 3);
}

// One slot, Poisson arrivals, exponential service: M/M/1, whose mean time in the system is
// service / (1 - load) = 2 services at load 0.5. The asymptotic variance of the mean wait is
// load (2 + 5 load - 4 load^2 + load^3) / (1 - load)^4 / n = 29 / n services^2, so n = 10^6 has a
// standard error of 0.0054 services, and the bound of 2 % (0.04 services) is over 7 of them.
TEST(Server, OneSlotAtHalfLoadTakesTwiceTheServiceTime) {
  Server server(with(1, 1'000'000), at(0));
  const Mix mix = Mix::of_one("/");
  RequestSource source({{{Duration::zero(), 500}}, {}, from_seconds(2000), false, 11}, mix, 0);
  std::deque<Duration> arrived;
  double sum = 0;
  int count = 0;
  std::optional<Time> busy_until;
  const auto start = [&](const Job& job, Time time) {
    busy_until = time + server.service_time(job, time);
  };
  const auto finish_until = [&](Time time) {
    while (busy_until && *busy_until <= time) {
      const Time done = *busy_until;
      busy_until.reset();
      server.finish(done);
      sum += to_ms(done - Time(arrived.front()));
      arrived.pop_front();
      ++count;
      if (const auto job = server.next(done)) start(*job, done);
    }
  };
  while (const auto request = source.next()) {
    const Time time(request->at);
    finish_until(time);
    arrived.push_back(request->at);
    const Job job = job_of(1, request->u);
    if (server.admit(job, time) == Server::Admission::kStart) start(job, time);
  }
  finish_until(at(3e6));
  EXPECT_NEAR(count, 1e6, 5e3);  // 5 standard deviations of a Poisson count
  EXPECT_NEAR(sum / count, 2, 0.04);
}

}  // namespace
}  // namespace leastwise::bench
