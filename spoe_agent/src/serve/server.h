// Server: HAProxy's connections, on one epoll, one thread.
//
// The cost of an answer is system calls, so there is one receive and one send per wake-up of a
// connection, however many questions came at once. No connection can hurt another: each is read
// once per round, up to 64 KiB; while its output can not be sent it is not read; one that says no
// HELLO, or takes no output, for kPatience is closed; there are at most kMostConnections.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_SERVER_H_
#define LEASTWISE_SPOE_AGENT_SERVE_SERVER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "serve/batch_handler.h"
#include "serve/counters.h"
#include "serve/fd.h"
#include "spop/buffer.h"
#include "spop/connection.h"

namespace leastwise::agent {

class Server {
 public:
  static constexpr std::size_t kMostConnections = 4096;
  static constexpr std::size_t kMostDescriptors = 16384;
  static constexpr Duration kPatience = std::chrono::seconds(5);
  // A closing connection is read for so long, so that the peer sees why before it is reset.
  static constexpr Duration kLinger = std::chrono::seconds(1);
  // Woken up this much too late, the process was stopped or starved: HAProxy's processing timeout
  // (20 ms in our example) is over for whatever waits in the sockets.
  static constexpr Duration kOutdated = std::chrono::milliseconds(100);

  // `listener` accepts; `handler` outlives the server. Throws std::runtime_error.
  Server(Fd listener, BatchHandler& handler, PickCounters& counters);

  // Serves until stop(); then answers what has arrived, says goodbye, and closes.
  void run() noexcept;

  // By any thread.
  void stop() noexcept;

 private:
  struct Peer {
    Peer(Fd accepted, BatchHandler& handler, TimePoint until) noexcept
        : fd(std::move(accepted)), connection(handler), deadline(until) {}

    Fd fd;
    spop::Connection connection;
    spop::Buffer output;
    TimePoint deadline;        // while it waits for the peer; see is_waiting()
    std::uint32_t events = 0;  // what epoll watches
    bool input_ended = false;  // the peer sends no more
    bool shut = false;         // we send no more
  };

  void wait() noexcept;
  void on_event(Peer& peer, std::uint32_t events) noexcept;
  void accept_all() noexcept;
  void admit(Fd fd) noexcept;
  void receive(Peer& peer) noexcept;
  void settle(Peer& peer) noexcept;
  bool send_output(Peer& peer) noexcept;
  void watch(Peer& peer, std::uint32_t events) noexcept;
  void watch_listener(int operation) noexcept;
  void drop(Peer& peer) noexcept;
  void close_overdue() noexcept;
  void say_goodbye() noexcept;
  static bool is_waiting(const Peer& peer) noexcept;

  Fd listener_;
  Fd epoll_;
  Fd stopped_;
  BatchHandler& handler_;
  PickCounters& counters_;
  TimePoint now_{};
  TimePoint next_sweep_{};
  bool accepting_ = true;
  std::atomic<bool> stopping_{false};
  std::vector<std::unique_ptr<Peer>> peers_;  // by descriptor
  std::size_t count_ = 0;
  std::array<std::uint8_t, 65536> input_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_SERVER_H_
