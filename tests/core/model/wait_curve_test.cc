#include "model/wait_curve.h"

#include <gtest/gtest.h>

namespace leastwise {
namespace {

class WaitCurveTest : public ::testing::Test {
 protected:
  void SetUp() override { curve_.reset(); }
  WaitCurve curve_;
};

TEST_F(WaitCurveTest, StartsAsAQuarterOfARequestForEachInFlight) {
  for (const double q : {0.0, 1.0, 7.0, 40.0}) EXPECT_NEAR(curve_.at(q), 0.25 * q, 0.02 * q);
}

TEST_F(WaitCurveTest, LearnsTheSlotsOfAServer) {
  // Four slots: nobody waits behind three, then (q + 1 - 4)/4 of a request.
  for (int i = 0; i < 20'000; ++i) {
    const int q = i % 12;
    curve_.add(q, q < 4 ? 0 : 0.01 * (q - 3) / 4, 0.01);
  }
  curve_.fit(0.01);
  EXPECT_NEAR(curve_.at(3), 0, 0.02);
  EXPECT_NEAR(curve_.at(7), 1, 0.05);
  EXPECT_NEAR(curve_.at(11), 2, 0.05);
}

TEST_F(WaitCurveTest, NeverFalls) {
  for (int i = 0; i < 5'000; ++i) {
    const int q = i % 9;
    curve_.add(q, (q % 3) * 0.01 - 0.005, 0.01);  // noise that goes up and down
  }
  curve_.fit(0.01);
  for (int q = 1; q < 200; ++q) EXPECT_GE(curve_.at(q), curve_.at(q - 1) - 1e-12);
  EXPECT_EQ(curve_.at(0), 0);
}

TEST_F(WaitCurveTest, GoesOnInALineWhereThereIsNoData) {
  for (int i = 0; i < 5'000; ++i) {
    const int q = i % 6;
    curve_.add(q, 0.01 * q, 0.01);
  }
  curve_.fit(0.01);
  EXPECT_NEAR(curve_.at(50) / curve_.at(5), 10, 1.5);
}

TEST_F(WaitCurveTest, PointsAreOnePerRequestAndThenFourToAnOctave) {
  EXPECT_EQ(WaitCurve::position(11), 11);
  EXPECT_NEAR(WaitCurve::position(18) / WaitCurve::position(14), 2, 1e-9);
  WaitCurve::Points line;
  for (std::size_t k = 0; k < WaitCurve::kPoints; ++k) line[k] = WaitCurve::position(k);
  for (int q = 0; q < 300; ++q) EXPECT_NEAR(WaitCurve::interpolate(line, q), q, 0.01 * q + 1e-9);
}

TEST_F(WaitCurveTest, TheTableIsTheCurveAtWholeNumbers) {
  WaitCurve::Points bent;
  for (std::size_t k = 0; k < WaitCurve::kPoints; ++k) {
    bent[k] = WaitCurve::position(k) * WaitCurve::position(k);
  }
  std::array<float, Plan::kTable> table;
  WaitCurve::tabulate(bent, table);
  for (std::size_t q = 0; q < table.size(); ++q) {
    EXPECT_EQ(table[q], static_cast<float>(WaitCurve::interpolate(bent, static_cast<double>(q))));
  }
}

}  // namespace
}  // namespace leastwise
