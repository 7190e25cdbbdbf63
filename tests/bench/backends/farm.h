// All emulated servers together: requests in, timers, events and answers out.
//
// Service is a timer and burns no CPU, so that two cores carry thousands of servers. Not thread
// safe; everything happens in run().
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_FARM_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_FARM_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/backends/config.h"
#include "bench/backends/control.h"
#include "bench/backends/http_server.h"
#include "bench/backends/schedule.h"
#include "bench/backends/server.h"
#include "bench/common/random_stream.h"
#include "bench/common/timer_queue.h"

namespace leastwise::bench {

class Farm : private HttpServer::Handler, private Controllable {
 public:
  // Listens on every address; throws UsageError if one can not be had.
  explicit Farm(Config config);

  // Until /quit.
  void run();

 private:
  struct Timer {
    enum class Kind { kArrival, kServed, kSlotless, kDribble, kPiece } kind = Kind::kServed;
    std::uint32_t server = 0;
    std::uint32_t epoch = 0;
    Job job;
    int status = 200;
    std::size_t sent = 0;  // of a dribbled body
    Time end{};            // of a stream
  };

  // How late timers fired: what the machine added to service times without being asked.
  struct Lateness {
    std::uint64_t timers = 0;
    Duration sum{};
    Duration worst{};
  };

  void on_accept(std::uint32_t listener) override;
  void on_request(Handle client, std::uint32_t listener,
                  const HttpServer::Request& request) override;
  void on_abandon(std::uint32_t listener) override;

  nlohmann::json stats() override;
  void set(std::string_view selection, const Changes& changes) override;
  void reset_counters() override;
  void restart() override;
  void quit() override { is_running_ = false; }

  void control(Handle client, const HttpServer::Request& request);
  Job make_job(Handle client, const HttpServer::Request& request, const Server& server);
  void serve(std::uint32_t id, Job job);
  void start(std::uint32_t id, const Job& job, Time now);
  void start_queued(std::uint32_t id, Time now);
  void answer(std::uint32_t id, const Job& job, int status, Time now);
  AnswerSpec spec_of(std::uint32_t id, const Job& job, int status, Time now);
  void fire_due(Time now);
  void fire(Timer timer, Time now);
  void fire_dribble(Timer timer, Time now);
  void open_stream(Timer timer, Time now);
  void fire_piece(Timer timer, Time now);
  void free_slot(std::uint32_t id, Time now);
  void apply(std::uint32_t id, const std::string& where, const Changes& changes, Time now);
  void follow_down(std::uint32_t id, Time now);

  PathTable paths_;
  std::vector<ServerConfig> configs_;
  std::deque<Server> servers_;
  std::vector<bool> is_listening_;
  std::uint64_t seed_;
  RandomStream demands_;
  RandomStream chances_;
  TimerQueue<Timer> timers_;
  Lateness lateness_;
  Schedule schedule_;
  HttpServer http_;
  bool is_running_ = true;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_FARM_H_
