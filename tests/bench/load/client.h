// The connections to the target: sends requests, waits for answers, keeps a sample of each.
//
// Idle connections are reused, the latest first; one that turns out to be stale costs a single
// retry on a fresh one. Every request ends with exactly one sample: answered, failed, timed out
// or aborted. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_CLIENT_H_
#define LEASTWISE_TESTS_BENCH_LOAD_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/fd.h"
#include "bench/common/http_reader.h"
#include "bench/common/poller.h"
#include "bench/common/slot_table.h"
#include "bench/common/socket.h"
#include "bench/common/timer_queue.h"
#include "bench/load/mix.h"
#include "bench/load/options.h"
#include "bench/load/request.h"

namespace leastwise::bench {

class Client {
 public:
  struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t retries = 0;
    std::size_t most_active = 0;
    std::size_t most_waiting = 0;
  };

  // Throws UsageError if the host can not be resolved.
  Client(const ClientOptions& options, const Mix& mix);

  // Times of requests count from here.
  void set_start(Time start) noexcept { start_ = start; }

  void send(const Request& request);

  // Handles answers, timeouts and aborts until `deadline` at the latest.
  void poll(std::optional<Time> deadline);

  // Requests without a sample yet.
  std::size_t pending() const noexcept { return active_ + waiting_.size(); }

  const std::vector<Sample>& samples() const noexcept { return samples_; }
  const std::vector<std::string>& server_names() const noexcept { return server_names_; }
  const Counters& counters() const noexcept { return counters_; }

 private:
  struct Connection {
    explicit Connection(Fd socket) : fd(std::move(socket)) {}

    Fd fd;
    HttpReader reader{HttpReader::Kind::kResponse, "x-server"};
    std::optional<Request> request;
    std::string output;
    std::size_t sent = 0;
    std::optional<Time> first;  // byte of the body
    std::uint32_t serial = 0;   // of the request on this connection
    bool is_connecting = false;
  };

  // Void if the connection has gone on to another request.
  struct Deadline {
    Handle connection;
    std::uint32_t serial = 0;
    Outcome outcome = Outcome::kTimeout;
  };

  void dispatch(const Request& request);
  std::optional<Handle> idle_connection();
  std::optional<Handle> new_connection();
  void assign(Handle handle, const Request& request);
  void handle_event(Handle handle, std::uint32_t events);
  void write_some(Handle handle);
  void read_some(Handle handle, bool is_ending);
  bool take_bytes(Handle handle, Connection& connection, std::string_view bytes);
  void end_of_stream(Handle handle, Connection& connection);
  void fail(Handle handle, Outcome outcome);
  void finish(Handle handle, Outcome outcome, bool stays_open);
  void record(const Request& request, Outcome outcome, const Connection* answered);
  void serve_waiting();
  void expire();
  std::optional<Time> next_timeout() const;
  std::uint32_t server_number(std::string_view name);
  void drop(Handle handle);

  ClientOptions options_;
  Address address_;
  std::vector<std::string> heads_;  // by path, up to the value of x-u
  std::string tail_;
  Time start_;
  Poller poller_;
  SlotTable<Connection> connections_;
  std::vector<Handle> idle_;  // may hold stale ones
  std::deque<Request> waiting_;
  TimerQueue<Deadline> deadlines_;
  std::vector<Sample> samples_;
  std::vector<std::string> server_names_;
  std::map<std::string, std::uint32_t, std::less<>> server_numbers_;
  Counters counters_;
  std::size_t active_ = 0;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_CLIENT_H_
