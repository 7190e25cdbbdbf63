// Theory: queues whose mean delay is known, to prove the engine with.
#ifndef LEASTWISE_TESTS_SIM_THEORY_H_
#define LEASTWISE_TESTS_SIM_THEORY_H_

#include <string>
#include <vector>

#include "engine/scenario.h"

namespace leastwise::sim {

struct Theory {
  std::string name;
  Scenario scenario;
  double mean_ms;  // by theory
};

// M/M/1, M/M/4 (Erlang C) and M/G/1 with processor sharing, at load 0.7.
std::vector<Theory> theories();

struct Proof {
  double measured_ms = 0;
  double expected_ms = 0;
  static constexpr double kTolerance = 0.015;
  bool holds() const {
    return measured_ms > expected_ms * (1 - kTolerance) &&
           measured_ms < expected_ms * (1 + kTolerance);
  }
};
Proof prove(const Theory& theory);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_THEORY_H_
