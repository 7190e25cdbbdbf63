// With libcurl as it is, and a unix socket that answers byte by byte as the test says.
#include "net/transfers.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <string>

#include "serve/clock.h"
#include "serve/sockets.h"

namespace leastwise::net {
namespace {

namespace fs = std::filesystem;

constexpr Duration kLong = std::chrono::seconds(60), kShort = std::chrono::milliseconds(10);

class TransfersTest : public testing::Test {
 protected:
  TransfersTest() {
    std::string name = fs::temp_directory_path() / "leastwise-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    agent::Address address;
    EXPECT_TRUE(agent::parse_address("unix:" + path(), true, address));
    listener_ = agent::listen_on(address);
  }
  ~TransfersTest() override { fs::remove_all(folder_); }

  std::string path() const { return folder_ / "server.sock"; }

  // Whose head has come.
  void begin_stream() {
    transfers_.start(
        {.url = "http://localhost/watch", .unix_socket = path()},
        [this](const Answer& answer) { status_ = answer.status; },
        [this](std::string_view piece) {
          ++calls_;
          heard_ += piece;
          return true;
        });
    accept_request();
    say("HTTP/1.1 200 OK\r\n\r\n");
    while (calls_ == 0) transfers_.wait(kShort);
  }

  void accept_request() {
    std::string request;
    std::array<char, 4096> buffer;
    peer_ = agent::Fd();
    while (!request.ends_with("\r\n\r\n")) {
      transfers_.wait(kShort);
      if (!peer_) peer_ = agent::Fd(::accept(listener_.get(), nullptr, nullptr));
      if (!peer_) continue;
      const ssize_t n = ::recv(peer_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n > 0) request.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

  void say(std::string_view text) const {
    EXPECT_EQ(::send(peer_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  fs::path folder_;
  agent::Fd listener_, peer_;
  Transfers transfers_;
  std::string heard_;
  int calls_ = 0, status_ = 0;
};

// Whoever is told something acts on it in his next round: that must not wait for something else.
TEST_F(TransfersTest, WhatCameBeforeTheWaitEndsIt) {
  begin_stream();
  const TimePoint before = agent::now();
  say("news");
  transfers_.wait(kLong);
  EXPECT_EQ(heard_, "news");
  EXPECT_LT(agent::now() - before, kLong / 2);
}

TEST_F(TransfersTest, AnEndThatCameBeforeTheWaitEndsIt) {
  begin_stream();
  const TimePoint before = agent::now();
  peer_ = agent::Fd();
  transfers_.wait(kLong);
  EXPECT_EQ(status_, 200);
  EXPECT_LT(agent::now() - before, kLong / 2);
}

TEST_F(TransfersTest, WhatIsStartedDoesNotWait) {
  begin_stream();
  const TimePoint before = agent::now();
  std::string body;
  transfers_.start({.url = "http://localhost/servers", .unix_socket = path()},
                   [&](const Answer& answer) { body = answer.body; });
  transfers_.wait(kLong);
  accept_request();
  say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]");
  while (body.empty()) transfers_.wait(kLong);
  EXPECT_EQ(body, "[]");
  EXPECT_LT(agent::now() - before, kLong / 2);
}

}  // namespace
}  // namespace leastwise::net
