// Sixty days of a pool, with pauses of a second to thirty days: every figure that is shown stays
// sane.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

#include "core/pool_fixture.h"
#include "leastwise/status_page.h"
#include "leastwise/text.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;
constexpr std::chrono::hours kDay{24};
constexpr std::uint64_t kBillion = 1'000'000'000;

class SixtyDaysTest : public PoolFixture {
 protected:
  static constexpr std::size_t kServers = 6;

  void SetUp() override {
    make({1, 2, 1, 1, 5, 1});
    config_.outlier = config_.switchback = true;
    config_.slow_start = 30s;
    config_.report = ReportMetric("on");
    auto* header = reinterpret_cast<state::Header*>(memory_.span().data());
    const state::Shared shared(header, static_cast<std::uint32_t>(pool_.capacity()));
    for (std::size_t m = 0; m < kServers; ++m) {  // what 10^10 answers leave
      state::Record& r = shared.records()[index(members_[m].id)];
      for (Cell<std::uint64_t>* c :
           {&r.picks, &r.results[0], &r.responses[2], &r.connects, &r.first_bytes, &r.times[40]}) {
        c->add(10 * kBillion);
      }
      for (Cell<std::uint64_t>* c : {&r.bytes_sent, &r.bytes_received, &r.occupied_us}) {
        c->add(10'000 * kBillion);
      }
    }
    for (std::size_t m = 0; m < kServers; ++m) before_[m] = view(m);
  }

  // `failing` of a hundred requests fail.
  void traffic(int ticks, std::uint32_t failing) {
    for (int i = 0; i < ticks; ++i) {
      for (int k = 0; k < 20; ++k) {
        const Ticket t = pick(1 + rng_.below(3));
        ASSERT_TRUE(t);
        const bool fails = rng_.below(100) < failing;
        Outcome outcome{.result = fails ? Result::kServerError : Result::kOk,
                        .status = static_cast<std::uint16_t>(fails ? 500 : 200),
                        .occupied = 5ms * (1 + rng_.below(4))};
        outcome.report = {LoadReport::State::kGood, 0.5F, 0.25F, 0.5F};
        picker_.finish(config_, t, outcome, now_);
      }
      tick();
    }
  }

  static std::array<std::uint64_t, 12> counters(const EndpointView& v) {
    return {v.picks,        v.results[0], v.results[1],     v.responses[2],
            v.responses[5], v.bytes_sent, v.bytes_received, v.connects,
            v.first_bytes,  v.occupied,   v.reports,        v.healed};
  }

  void check_counters(std::size_t m, const EndpointView& v) {
    const auto now = counters(v);
    const auto then = counters(before_[m]);
    for (std::size_t i = 0; i < now.size(); ++i) ASSERT_GE(now[i], then[i]) << "counter " << i;
    for (std::size_t i = 0; i < kEjections; ++i) {
      ASSERT_EQ(v.ejections[i], before_[m].ejections[i]) << "out of nothing";
    }
    ASSERT_GE(v.occupied_seconds, before_[m].occupied_seconds);
    std::uint64_t sum = 0;
    for (std::size_t b = 0; b < Histogram::kBuckets; ++b) sum += pool_.histogram_count(v.id, b);
    ASSERT_EQ(sum, v.occupied);
    before_[m] = v;
  }

  void check_sane() {
    for (std::size_t m = 0; m < kServers; ++m) {
      const EndpointView v = view(m);
      for (const float x : {v.warmth, v.report_factor, v.demand, v.ejected_for, v.work_in_flight,
                            v.slowness, v.evidence, v.error_share, v.base}) {
        ASSERT_TRUE(std::isfinite(x) && x >= 0) << "server " << m;
      }
      ASSERT_LE(v.error_share, 1);
      ASSERT_LE(v.warmth, 1);
      ASSERT_FALSE(v.unavailable);
      ASSERT_EQ(v.in_flight, 0U);
      check_counters(m, v);
    }
    const PoolView p = pool_.view();
    for (const double x :
         {double{p.mean_cost}, double{p.slowness}, double{p.sharing}, double{p.mean_wait},
          double{p.price}, double{p.caution}, p.policy_seconds, p.control_seconds}) {
      ASSERT_TRUE(std::isfinite(x) && x >= 0);
    }
    ASSERT_GE(p.samples, samples_);
    samples_ = p.samples;
    check_text();
  }

  void check_text() {
    const std::array<NamedPool, 1> named = {{{"test", &config_, pool_}}};
    std::vector<PeerView> peers(StatusPage::peers_of(named));
    std::vector<char> buffer(1 << 20);
    for (const auto format : {PageFormat::kJson, PageFormat::kPrometheus}) {
      StatusPage page(format, "nginx", named, peers, now_);
      Text out({buffer.data(), buffer.size()});
      while (page.render(out)) {
      }
      const std::string_view text = out.view();
      ASSERT_GT(text.size(), 1000U);
      for (const char* wrong : {"nan", "inf}", "} -", "} inf", ":-"}) {
        ASSERT_EQ(text.find(wrong), std::string_view::npos) << wrong;
      }
    }
  }

  Rng rng_{9};
  std::array<EndpointView, kServers> before_;
  std::uint64_t samples_ = 0;
};

TEST_F(SixtyDaysTest, EveryFigureStaysSane) {
  const TimePoint end = now_ + 60 * kDay;
  const Duration pauses[] = {1s,
                             10s,
                             1min,
                             10min,
                             1h,
                             85min + 20s,
                             6h,
                             Duration(kDay),
                             Duration(3 * kDay),
                             Duration(25 * kDay),
                             Duration(30 * kDay)};
  int rounds = 0;
  for (std::size_t i = 0; now_ < end; i = (i + 1) % std::size(pauses)) {
    // A backend that all share fails now and then; half of the pauses nobody ticks.
    ASSERT_NO_FATAL_FAILURE(traffic(60, rounds % 3 == 0 ? 60 : 0));
    // Who is left out is so for what happened just now; in the pause nobody may be.
    for (std::size_t m = 0; m < kServers; ++m) before_[m].ejections = view(m).ejections;
    ASSERT_NO_FATAL_FAILURE(check_sane()) << "round " << rounds;
    const TimePoint next = now_ + pauses[i];
    for (int step = 0; rounds % 2 == 0 && step < 200; ++step) {
      now_ += pauses[i] / 200;
      pool_.tick(config_, now_);
      ASSERT_NO_FATAL_FAILURE(check_sane()) << "round " << rounds << " step " << step;
    }
    now_ = next;
    ASSERT_NO_FATAL_FAILURE(check_sane()) << "round " << rounds;
    tick();
    ASSERT_NO_FATAL_FAILURE(check_sane()) << "round " << rounds;
    for (std::size_t m = 0; pauses[i] >= 10min && m < kServers; ++m) {
      ASSERT_EQ(view(m).error_share, 0) << "round " << rounds;
    }
    ++rounds;
  }
  EXPECT_GE(rounds, 11);
}

}  // namespace
}  // namespace leastwise
