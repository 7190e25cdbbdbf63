#include "serve/server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "balance/pick_handler.h"
#include "serve/sockets.h"
#include "serve/spoe_protocol.h"
#include "spoe_agent/agent_fixture.h"
#include "spop/reader.h"
#include "spop/writer.h"

namespace leastwise::agent {
namespace {

using spop::FrameType;
using spop::Value;
namespace fs = std::filesystem;

// A real server on a real socket, with two servers to pick from.
class ServerTest : public AgentFixture {
 protected:
  static constexpr std::size_t kMost = 8;

  ServerTest() : wake_(make_event()) {
    std::string name = fs::temp_directory_path() / "leastwise-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    EXPECT_TRUE(parse_address("unix:" + folder_.string() + "/s", true, address_));
    servers(app_with({"s1", "s2"}));
    handler_.emplace(registry_, ring_, wake_, picks_);
    protocol_.emplace(*handler_, picks_);
    server_.emplace(listen_on(address_), *protocol_, picks_.connections,
                    Server::Limits{.connections = kMost});
    thread_ = std::thread([this] { server_->run(); });
  }
  ~ServerTest() override {
    stop();
    fs::remove_all(folder_);
  }
  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
  }

  Fd connect() {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(fd.get(), address_.get(), address_.length), 0);
    return fd;
  }

  static void add_hello(std::string& out) {
    spop::Buffer buffer;
    spop::Writer frame(buffer, {.type = FrameType::kHaproxyHello}, spop::kMaxFrameSize);
    frame.item("supported-versions", Value::string("2.0"));
    frame.item("max-frame-size", Value::uint32(spop::kMaxFrameSize));
    frame.item("capabilities", Value::string("pipelining"));
    EXPECT_TRUE(frame.finish());
    append(out, buffer);
  }
  static void add_question(std::string& out, std::uint64_t number) {
    spop::Buffer buffer;
    spop::Writer frame(buffer, {.type = FrameType::kNotify, .stream_id = number, .frame_id = 1},
                       spop::kMaxFrameSize);
    frame.string("leastwise-pick");
    frame.byte(2);
    frame.item("id", Value::string("id" + std::to_string(number)));
    frame.item("backend", Value::string("app"));
    EXPECT_TRUE(frame.finish());
    append(out, buffer);
  }
  static void append(std::string& out, const spop::Buffer& buffer) {
    out.append(buffer.bytes().begin(), buffer.bytes().end());
  }

  static void send(const Fd& fd, std::string_view bytes) {
    ASSERT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
  }

  static FrameType first_frame(const Fd& fd) {
    std::array<std::uint8_t, 4096> frame{};
    pollfd p{.fd = fd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&p, 1, 10'000) <= 0) return FrameType::kUnset;
    std::array<std::uint8_t, spop::kLengthSize> length{};
    ::recv(fd.get(), length.data(), length.size(), MSG_WAITALL);
    const std::uint32_t size = spop::Reader(length).u32();
    ::recv(fd.get(), frame.data(), std::min<std::size_t>(size, frame.size()), MSG_WAITALL);
    return FrameType{frame[0]};
  }

  // The types of the frames until the end of the stream, or until it is silent for a while.
  static std::vector<FrameType> frames(const Fd& fd, bool& ended) {
    std::string all;
    std::array<char, 65536> part;
    ended = false;
    for (pollfd p{.fd = fd.get(), .events = POLLIN, .revents = 0}; ::poll(&p, 1, 500) > 0;) {
      const ssize_t n = ::recv(fd.get(), part.data(), part.size(), 0);
      ended = n <= 0;
      if (ended) break;
      all.append(part.data(), static_cast<std::size_t>(n));
    }
    std::vector<FrameType> types;
    const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(all.data()));
    for (spop::Bytes rest(bytes, all.size()); rest.size() > spop::kLengthSize;) {
      spop::Reader length(rest);
      const std::uint32_t size = length.u32();
      types.push_back(FrameType{rest[spop::kLengthSize]});
      rest = rest.subspan(std::min<std::size_t>(rest.size(), spop::kLengthSize + size));
    }
    return types;
  }

  fs::path folder_;
  Address address_;
  Fd wake_;
  PickCounters picks_;
  std::optional<PickHandler> handler_;
  std::optional<SpoeProtocol> protocol_;
  std::optional<Server> server_;
  std::thread thread_;
};

constexpr FrameType kHello = FrameType::kAgentHello, kAck = FrameType::kAck,
                    kGoodbye = FrameType::kAgentDisconnect;

TEST_F(ServerTest, AnswersWhatIsSplitAnyhow) {
  std::string bytes;
  add_hello(bytes);
  for (std::uint64_t i = 0; i < 3; ++i) add_question(bytes, i);
  const Fd fd = connect();
  for (const char c : bytes) send(fd, {&c, 1});
  bool ended = true;
  EXPECT_EQ(frames(fd, ended), (std::vector{kHello, kAck, kAck, kAck}));
  EXPECT_FALSE(ended);
}

TEST_F(ServerTest, AHalfCloseStillGetsItsAnswers) {
  std::string bytes;
  add_hello(bytes);
  add_question(bytes, 1);
  const Fd fd = connect();
  send(fd, bytes);
  ::shutdown(fd.get(), SHUT_WR);
  bool ended = false;
  EXPECT_EQ(frames(fd, ended), (std::vector{kHello, kAck}));
  EXPECT_TRUE(ended);
}

TEST_F(ServerTest, NonsenseIsToldWhyAndClosed) {
  const Fd fd = connect();
  send(fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  bool ended = false;
  EXPECT_EQ(frames(fd, ended), std::vector{kGoodbye});
  EXPECT_TRUE(ended);
}

TEST_F(ServerTest, APeerThatDoesNotReadHurtsNobody) {
  std::string bytes;
  add_hello(bytes);
  for (std::uint64_t i = 0; i < 200; ++i) add_question(bytes, i);
  const Fd stuck = connect();
  // Until neither side has room any more.
  const timeval soon{.tv_sec = 0, .tv_usec = 200'000};
  ::setsockopt(stuck.get(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
  std::string questions = bytes.substr(0);
  while (::send(stuck.get(), questions.data(), questions.size(), MSG_NOSIGNAL) ==
         ssize_t(questions.size())) {
    questions.clear();
    for (std::uint64_t i = 0; i < 500; ++i) add_question(questions, i);
  }
  const Fd fd = connect();
  send(fd, bytes);
  bool ended = true;
  EXPECT_EQ(frames(fd, ended).size(), 201U);
  EXPECT_FALSE(ended);
}

TEST_F(ServerTest, StoppedItAnswersWhatArrivedAndSaysGoodbye) {
  std::string bytes;
  add_hello(bytes);
  add_question(bytes, 1);
  const Fd fd = connect();
  send(fd, bytes);
  std::thread stopping([this] { stop(); });
  bool ended = false;
  EXPECT_EQ(frames(fd, ended), (std::vector{kHello, kAck, kGoodbye}));
  EXPECT_TRUE(ended);
  stopping.join();
}

TEST_F(ServerTest, TheOldestIdleConnectionMakesRoomForANewOne) {
  std::string hello, question;
  add_hello(hello);
  add_question(question, 1);
  std::vector<Fd> all;
  bool ended = true;
  for (std::size_t i = 0; i < kMost; ++i) {
    all.push_back(connect());
    send(all.back(), hello);
    EXPECT_EQ(first_frame(all.back()), kHello);
  }
  send(all[0], question);  // not idle
  EXPECT_EQ(first_frame(all[0]), kAck);
  const Fd late = connect();
  send(late, hello + question);
  EXPECT_EQ(first_frame(late), kHello);
  EXPECT_EQ(frames(all[1], ended), std::vector{kGoodbye});
  EXPECT_TRUE(ended);
  send(all[0], question);
  EXPECT_EQ(first_frame(all[0]), kAck);
  EXPECT_EQ(picks_.connections.evicted.get(), 1U);
  EXPECT_EQ(picks_.connections.refused.get(), 0U);
}

TEST_F(ServerTest, ThousandsThatStaySilentDoNotKeepANewOneOut) {
  std::vector<Fd> silent;
  for (int i = 0; i < 1000; ++i) silent.push_back(connect());
  std::string bytes;
  add_hello(bytes);
  add_question(bytes, 1);
  const Fd fd = connect();
  send(fd, bytes);
  bool ended = true;
  EXPECT_EQ(frames(fd, ended), (std::vector{kHello, kAck}));
  EXPECT_FALSE(ended);
}

TEST_F(ServerTest, NothingIsLeftInFlight) {
  std::string bytes;
  add_hello(bytes);
  for (std::uint64_t i = 0; i < 100; ++i) add_question(bytes, i);
  const Fd fd = connect();
  send(fd, bytes);
  bool ended = true;
  EXPECT_EQ(frames(fd, ended).size(), 101U);
  for (int i = 0; i < 100; ++i) line("id=id" + std::to_string(i) + " s=s1 tsc=---- st=200");
  const Sums s = sums();
  EXPECT_EQ(s.in_flight, 0U);
  EXPECT_EQ(s.picks, s.finishes);
}

}  // namespace
}  // namespace leastwise::agent
