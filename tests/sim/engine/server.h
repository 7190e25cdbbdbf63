// Server: one simulated server, as a queue in virtual time.
//
// All requests that run on a server get the same share of it, so each is done when the
// work per request, V, has grown by its size: only the order of V at completion matters,
// and a change of speed is a change of dV/dt (Parekh and Gallager 1993).
#ifndef LEASTWISE_TESTS_SIM_ENGINE_SERVER_H_
#define LEASTWISE_TESTS_SIM_ENGINE_SERVER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "engine/scenario.h"

namespace leastwise::sim {

using JobId = std::uint32_t;

class Server {
 public:
  struct Running {
    double done_at;  // V
    JobId job;
  };

  Server(const Scenario& scenario, std::uint32_t number, double speed);

  // Brings V up to `now`. Every change below is preceded by it, with the same `now`.
  void advance(double now);

  // True if the job runs at once; else it queues.
  bool enqueue(JobId job, double size);
  struct Completion {
    JobId done;
    std::optional<JobId> started;
  };
  // The job that is done next, and who takes its place. `size_of` tells a job's size.
  template <typename SizeOf>
  Completion complete(SizeOf size_of) {
    Completion c{.done = pop(), .started = {}};
    if (!queue_.empty() && running_.size() < slots_) {
      c.started = queue_.front();
      queue_.pop_front();
      push(*c.started, size_of(*c.started));
    }
    return c;
  }
  // Loses all it has.
  std::vector<JobId> crash();
  void restart(double now);

  void set_antagonist(double factor) { antagonist_ = factor; }
  void set_grey(double factor) { grey_ = factor; }
  void set_sinkhole(double probability) { sinkhole_ = probability; }

  // After a change: the time of the next completion, if nothing else changes. Earlier
  // plans are void, which their version shows.
  std::optional<double> plan(double now);
  std::uint32_t version() const { return version_; }

  // Finds a prefix in the cache, and keeps it there.
  bool touch_prefix(std::uint32_t group);

  bool is_up() const { return up_; }
  bool is_warm(double now) const { return now - up_since_ >= warm_ms_; }
  double rtt() const { return rtt_; }
  double up_since() const { return up_since_; }  // negative: since the beginning
  std::uint32_t cores() const { return cores_; }
  double base_speed() const { return base_speed_; }
  double sinkhole() const { return sinkhole_; }
  double speed(double now) const;
  // What the server does per millisecond when it is busy.
  double capacity() const;
  // What it says of its own load: the truth, or Scenario::reports.
  double reported_utilisation(double now) const;
  // Requests that it has, running or queued.
  std::uint32_t load() const { return static_cast<std::uint32_t>(running_.size() + queue_.size()); }
  std::span<const Running> running() const { return running_; }
  const std::deque<JobId>& queue() const { return queue_; }
  double virtual_time(double now) const { return virtual_ + (now - last_) * rate_; }

 private:
  double rate(double now) const;
  void push(JobId job, double size);
  JobId pop();

  Discipline discipline_;
  std::uint32_t cores_;
  double base_speed_, rtt_, warm_ms_, warm_from_, lie_;
  bool warms_;
  std::size_t slots_, cached_prefixes_;

  double antagonist_ = 1, grey_ = 1, sinkhole_ = 0, up_since_ = -1;
  bool up_ = true;
  double virtual_ = 0, last_ = 0, rate_ = 1;
  std::vector<Running> running_;  // a heap, the next to be done first
  std::deque<JobId> queue_;
  std::deque<std::uint32_t> prefixes_;  // most recently used first
  std::uint32_t version_ = 0;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ENGINE_SERVER_H_
