// Server: the connections of one port, on one epoll, one thread.
//
// The cost of an answer is system calls, so there is one receive and one send per wake-up of a
// connection, however many questions came at once. No connection can hurt another: each is read
// once per round, up to 64 KiB; while its output can not be sent it is not read; one that owes us a
// greeting, or the rest of what it began, or takes no output, is closed when the patience is over.
// There is always room for one more: it takes the place of the one that was idle for the longest
// time. So whoever opens thousands and leaves them idle closes them himself, and each port has
// descriptors of its own.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_SERVER_H_
#define LEASTWISE_SPOE_AGENT_SERVE_SERVER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "serve/age_list.h"
#include "serve/counters.h"
#include "serve/fd.h"
#include "serve/session.h"
#include "spop/buffer.h"

namespace leastwise::agent {

class Server {
 public:
  struct Limits {
    std::size_t connections = 4096;
    Duration patience = std::chrono::seconds(5);
  };
  static constexpr std::size_t kMostDescriptors = 16384;
  // A closing connection is read for so long, so that the peer sees why before it is reset.
  static constexpr Duration kLinger = std::chrono::seconds(1);
  // Woken up this much too late, the process was stopped or starved: HAProxy's processing timeout
  // (20 ms in our example) is over for whatever waits in the sockets.
  static constexpr Duration kOutdated = std::chrono::milliseconds(100);

  // `listener` accepts; `protocol` outlives the server. Throws std::runtime_error.
  Server(Fd listener, Protocol& protocol, ConnectionCounters& counters, Limits limits);

  // Serves until stop(); then answers what has arrived, says goodbye, and closes.
  void run() noexcept;

  // By any thread.
  void stop() noexcept;
  // Ten a second at least, until stop().
  const Counter& rounds() const noexcept { return rounds_; }

 private:
  struct Peer {
    Peer(Fd accepted, std::unique_ptr<Session> opened) noexcept
        : fd(std::move(accepted)), session(std::move(opened)) {}

    Fd fd;
    std::unique_ptr<Session> session;
    spop::Buffer output;
    std::uint64_t progress = 0;  // the session's, when last looked at
    bool waits = false;          // for the peer, until the deadline
    TimePoint deadline{};
    std::uint32_t events = 0;  // what epoll watches
    bool input_ended = false;  // the peer sends no more
    bool shut = false;         // we send no more
    Peer *older = nullptr, *newer = nullptr;
  };

  void wait() noexcept;
  void on_event(Peer& peer, std::uint32_t events) noexcept;
  bool accept_some() noexcept;
  void admit(Fd fd) noexcept;
  bool evict() noexcept;
  void receive(Peer& peer) noexcept;
  void settle(Peer& peer) noexcept;
  void keep_time(Peer& peer) noexcept;
  bool send_output(Peer& peer) noexcept;
  void watch(Peer& peer, std::uint32_t events) noexcept;
  void watch_listener(int operation) noexcept;
  void drop(Peer& peer) noexcept;
  void close_overdue() noexcept;
  void say_goodbye() noexcept;

  Fd listener_;
  Fd epoll_;
  Fd stopped_;
  Protocol& protocol_;
  ConnectionCounters& counters_;
  const Limits limits_;
  TimePoint now_{};
  TimePoint next_sweep_{};
  bool accepting_ = true;
  std::atomic<bool> stopping_{false};
  Counter rounds_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by descriptor
  AgeList<Peer> by_age_;                      // by their last progress
  std::size_t count_ = 0;
  std::array<std::uint8_t, 65536> input_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_SERVER_H_
