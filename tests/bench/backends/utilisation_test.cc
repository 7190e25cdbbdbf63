#include "bench/backends/utilisation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace leastwise::bench {
namespace {

constexpr Time at(double seconds) { return Time(from_seconds(seconds)); }

TEST(Utilisation, ApproachesTheBusyShareWithATimeConstantOfOneSecond) {
  Utilisation utilisation(at(0));
  utilisation.advance(at(1), 4, 2, 0);
  EXPECT_NEAR(utilisation.busy_share(), 0.5 * (1 - std::exp(-1.0)), 1e-9);
  utilisation.advance(at(2), 4, 0, 0);
  EXPECT_NEAR(utilisation.busy_share(), 0.5 * (1 - std::exp(-1.0)) * std::exp(-1.0), 1e-9);
}

TEST(Utilisation, DemandMayExceedOneButTheProcessorMayNot) {
  Utilisation utilisation(at(0));
  utilisation.advance(at(100), 2, 2, 6);
  utilisation.count_answer();
  EXPECT_EQ(utilisation.report(2, 6),
            "TEXT cpu_utilization=1.0000, mem_utilization=0.2800, application_utilization=4.0000, "
            "rps_fractional=1.00");
}

TEST(Utilisation, AServerWithoutLimitIsNeverBusy) {
  Utilisation utilisation(at(0));
  utilisation.advance(at(100), 0, 50, 0);
  EXPECT_EQ(utilisation.busy_share(), 0);
}

}  // namespace
}  // namespace leastwise::bench
