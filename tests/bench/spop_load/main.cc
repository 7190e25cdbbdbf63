// spop_load: asks an SPOP agent as HAProxy would, and measures its round trip.
//
// Closed loop: on each of some connections, some questions are always under way. One thread, one
// epoll, one send per batch of answers. Prints one line of JSON.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/address.h"
#include "serve/sockets.h"
#include "spop/buffer.h"
#include "spop/reader.h"
#include "spop/writer.h"

namespace leastwise::bench {
namespace {

using Clock = std::chrono::steady_clock;
using spop::FrameType;
using spop::Value;

struct Options {
  std::string agent;
  std::string message = "leastwise-pick";
  std::string backend = "app";
  std::vector<std::string> servers;
  std::size_t connections = 1;
  std::uint64_t window = 1;
  double seconds = 3;
};

struct Connection {
  agent::Fd fd;
  spop::Buffer input, output;
  std::uint64_t next = 1;
  std::uint64_t under_way = 0;
  bool is_open = false;
  std::vector<Clock::time_point> asked;  // by number modulo window
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), epoll_(agent::make_epoll()), connections_(options.connections) {
    for (const std::string& s : options.servers) arguments_.push_back("c_" + s);
  }

  void run() {
    connect_all();
    const auto start = Clock::now();
    end_ = start + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double>(options_.seconds));
    std::array<epoll_event, 256> events;
    while (Clock::now() < end_ || under_way_ > 0) {
      const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), 1000);
      if (n == 0 && Clock::now() > end_) break;  // answers that never come
      for (int i = 0; i < n; ++i) {
        receive(connections_[events[static_cast<std::size_t>(i)].data.u32]);
      }
    }
    seconds_ = std::chrono::duration<double>(Clock::now() - start).count();
  }

  void report() {
    std::ranges::sort(times_);
    const auto at = [&](double share) {
      if (times_.empty()) return 0.0;
      const auto i = static_cast<std::size_t>(share * static_cast<double>(times_.size() - 1));
      return static_cast<double>(times_[i]) / 1000;
    };
    std::printf(
        "{\"answers\":%zu,\"lost\":%llu,\"named\":%llu,\"rate\":%.0f,\"p50_us\":%.2f,"
        "\"p99_us\":%.2f}\n",
        times_.size(), static_cast<unsigned long long>(under_way_),
        static_cast<unsigned long long>(named_), static_cast<double>(times_.size()) / seconds_,
        at(0.5), at(0.99));
  }

 private:
  void connect_all() {
    agent::Address address;
    if (!agent::parse_address(options_.agent, true, address)) {
      throw std::runtime_error(std::string(agent::kAcceptedStreamAddress));
    }
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      Connection& c = connections_[i];
      c.asked.resize(options_.window);
      c.fd = agent::connect_to(address);
      if (!c.fd) throw std::runtime_error(agent::with_errno(options_.agent));
      epoll_event event{.events = EPOLLIN, .data = {.u32 = static_cast<std::uint32_t>(i)}};
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, c.fd.get(), &event);
      write_hello(c);
      send(c);
    }
  }

  static void write_hello(Connection& c) {
    spop::Writer frame(c.output, {.type = FrameType::kHaproxyHello}, spop::kMaxFrameSize);
    frame.item("supported-versions", Value::string("2.0"));
    frame.item("max-frame-size", Value::uint32(spop::kMaxFrameSize));
    frame.item("capabilities", Value::string("pipelining"));
    frame.item("engine-id", Value::string("spop_load"));
    frame.finish();
  }

  // An id as long as HAProxy's uuid().
  std::string next_id() {
    std::string digits = std::to_string(++ids_);
    return "01234567-89ab-4cde-8f01-" + std::string(12 - digits.size(), '0') + digits;
  }

  void write_question(Connection& c) {
    spop::Writer frame(c.output, {.type = FrameType::kNotify, .stream_id = c.next, .frame_id = 1},
                       spop::kMaxFrameSize);
    frame.string(options_.message);
    frame.byte(static_cast<std::uint8_t>(2 + arguments_.size()));
    frame.item("id", Value::string(next_id()));
    frame.item("backend", Value::string(options_.backend));
    for (const std::string& argument : arguments_) {
      frame.item(argument, Value::int64(static_cast<std::int64_t>(++counts_ % 7)));
    }
    frame.finish();
    c.asked[c.next % options_.window] = Clock::now();
    ++c.next;
    ++c.under_way;
    ++under_way_;
  }

  void receive(Connection& c) {
    const auto room = c.input.room(65536);
    const ssize_t n = ::recv(c.fd.get(), room.data(), room.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) throw std::runtime_error("the agent closed a connection");
    c.input.commit(static_cast<std::size_t>(n));
    for (;;) {
      spop::Reader reader(c.input.bytes());
      const std::uint32_t length = reader.u32();
      if (!reader.ok() || reader.rest().size() < length) break;
      on_frame(c, spop::Reader(reader.rest().first(length)));
      c.input.consume(spop::kLengthSize + length);
    }
    while (c.is_open && c.under_way < options_.window && Clock::now() < end_) write_question(c);
    send(c);
  }

  void on_frame(Connection& c, spop::Reader reader) {
    const spop::FrameHeader header = spop::read_header(reader);
    if (header.type == FrameType::kAgentHello) c.is_open = true;
    if (header.type == FrameType::kAgentDisconnect) throw std::runtime_error("disconnected");
    if (header.type != FrameType::kAck) return;
    if (!reader.at_end()) ++named_;
    times_.push_back((Clock::now() - c.asked[header.stream_id % options_.window]) /
                     std::chrono::nanoseconds(1));
    --c.under_way;
    --under_way_;
  }

  static void send(Connection& c) {
    if (c.output.empty()) return;
    const spop::Bytes bytes = c.output.bytes();
    const ssize_t n = ::send(c.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) c.output.consume(static_cast<std::size_t>(n));
  }

  const Options& options_;
  agent::Fd epoll_;
  std::vector<Connection> connections_;
  std::vector<std::string> arguments_;
  std::vector<std::int64_t> times_;  // nanoseconds
  Clock::time_point end_{};
  double seconds_ = 1;
  std::uint64_t under_way_ = 0, named_ = 0, ids_ = 0, counts_ = 0;
};

}  // namespace
}  // namespace leastwise::bench

int main(int argc, char** argv) {
  leastwise::bench::Options options;
  CLI::App app("Asks an SPOP agent as HAProxy would, and measures its round trip", "spop_load");
  app.add_option("--agent", options.agent, "unix:/PATH or IP:PORT")->required();
  app.add_option("--message", options.message, "Name of the message")->capture_default_str();
  app.add_option("--backend", options.backend, "Name of the backend")->capture_default_str();
  app.add_option("--servers", options.servers, "Its servers, as arguments c_NAME")->delimiter(',');
  app.add_option("--connections", options.connections, "How many")->check(CLI::Range(1, 1000));
  app.add_option("--window", options.window, "Questions under way on each")
      ->check(CLI::Range(1, 1000));
  app.add_option("--seconds", options.seconds, "How long")->check(CLI::Range(0.1, 600.0));
  CLI11_PARSE(app, argc, argv);
  try {
    leastwise::bench::Load load(options);
    load.run();
    load.report();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "spop_load: %s\n", error.what());
    return 1;
  }
  return 0;
}
