// Engine: plays one scenario with one policy.
#ifndef LEASTWISE_TESTS_SIM_ENGINE_ENGINE_H_
#define LEASTWISE_TESTS_SIM_ENGINE_ENGINE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/balancer.h"
#include "engine/events.h"
#include "engine/latencies.h"
#include "engine/random.h"
#include "engine/scenario.h"
#include "engine/traffic.h"

namespace leastwise::sim {

// Of the requests that came after the warm-up. A timeout counts as an answer that took
// that long; requests out for more than a second at the end count with their age.
struct Result {
  Latencies all;
  std::vector<Latencies> routes;
  std::vector<std::uint64_t> picks;  // by server, warm-up included
  // The same of each window of kWindowMs after the warm-up that is over.
  static constexpr double kWindowMs = 10000;
  std::vector<std::vector<std::uint64_t>> windows;
  // The most that a server had in the second after it came up, as a multiple of its fair part of
  // all that was at the servers: what balancers do that all see an idle server, and not each other.
  // All servers come up at the start. Where less is there than the load keeps busy, a part of that.
  static constexpr double kNewMs = 1000;
  double start_peak = 0, return_peak = 0;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;

  double error_share() const {
    return requests > 0 ? static_cast<double>(errors) / static_cast<double>(requests) : 0;
  }
};

class Engine {
 public:
  // REQUIRES: the scenario outlives the engine.
  explicit Engine(const Scenario& scenario);
  Result run(const MakeBalancer& make);

 private:
  void schedule_faults();
  void handle(const Event& event);
  void abandon_next();

  void arrive();
  void count_pick(std::uint32_t server);
  Job& fresh_job();
  void reach_server(Job& job);
  void watch_peak(std::uint32_t server);
  void start(Job& job);
  void give_first_byte(Job& job);
  bool is_idle(const Job& job) const;
  void complete(std::uint32_t server);
  void answer(Job& job, bool ok);
  void go_down(std::uint32_t server);
  void come_up(std::uint32_t server);
  void warm(std::uint32_t server);
  void switch_antagonist(std::uint32_t server, bool on);
  void switch_grey(bool on);
  void switch_sinkhole(bool on);
  void modulate(std::uint32_t phase);
  void tell(std::uint32_t balancer);
  void hear(std::uint32_t teller);

  void send_back(Job& job, bool ok, double delay);
  void release(Job& job);
  void plan(std::uint32_t server);
  bool counts(const Job& job) const { return job.sent_at > scenario_.warmup_ms; }
  void count(const Job& job, double latency);
  void count_unfinished();

  const Scenario& scenario_;
  World world_;
  std::unique_ptr<Traffic> traffic_;
  Random faults_;
  EventQueue events_;
  PatienceQueue patience_;
  std::vector<Job> jobs_;
  std::vector<Answer::Report> reports_;  // by job
  std::vector<JobId> free_;
  std::vector<std::unique_ptr<Balancer>> balancers_;
  std::vector<std::deque<std::string>> told_;  // by balancer, and not heard yet
  Result result_;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ENGINE_ENGINE_H_
