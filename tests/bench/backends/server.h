// One emulated server: service slots, a first-come first-served queue, and what it counts.
//
// Pure: it neither listens nor sleeps. The caller arms a timer for every job that starts, calls
// finish() when it fires, and then starts what next() gives. A client that leaves while its job
// is served does not free the slot, as with most real servers; one that leaves while it is queued
// is skipped. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_SERVER_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "bench/backends/action.h"
#include "bench/backends/config.h"
#include "bench/backends/utilisation.h"
#include "bench/common/slot_table.h"
#include "bench/common/time.h"

namespace leastwise::bench {

struct Job {
  Handle client;
  Duration mean{};
  double u = 0;  // where in the distribution its service time lies
  Action action;
  bool keeps_alive = false;
  unsigned number = 0;  // of the request on its connection, from 1
};

struct Counters {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;    // answers of status 400 and above
  std::uint64_t rejected = 0;  // 503 because the queue was full
  std::uint64_t abandoned = 0;
  std::size_t queue_peak = 0;
  Duration busy_time{};  // summed over slots
};

class Server {
 public:
  enum class Admission { kStart, kQueued, kRejected };

  Server(ServerConfig config, Time start);

  // REQUIRES: not down.
  Admission admit(const Job& job, Time now);

  // Gives a slot to the head of the queue, if both exist and the server does not hang.
  std::optional<Job> next(Time now);

  void finish(Time now);

  // How long `job` takes when it starts at `now`.
  Duration service_time(const Job& job, Time now) const noexcept;

  // Drops all that is queued or served: timers of the epoch before are void.
  void restart(Time now);
  std::uint32_t epoch() const noexcept { return epoch_; }

  // Throws UsageError and changes nothing if the value is refused.
  void set(const std::string& where, const std::string& key, const nlohmann::json& value, Time now);
  // Everything that set() changed becomes as configured.
  void set_as_configured(Time now);

  void reset_counters(Time now);
  void count_answer(int status) noexcept;
  std::string load_report(Time now);
  nlohmann::json stats(std::size_t id, std::size_t open_connections, Time now);

  const ServerConfig& config() const noexcept { return config_; }
  const Behaviour& behaviour() const noexcept { return behaviour_; }
  Counters& counters() noexcept { return counters_; }

 private:
  void advance(Time now) noexcept;
  bool has_free_slot() const noexcept;
  double slowness(Time now) const noexcept;

  ServerConfig config_;
  Behaviour behaviour_;
  Counters counters_;
  Utilisation utilisation_;
  std::deque<Job> queue_;
  int busy_ = 0;
  std::uint32_t epoch_ = 0;
  Time advanced_;
  Time warm_since_;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_SERVER_H_
