#include "serve/sockets.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "haproxy/datagrams.h"
#include "serve/clock.h"

namespace leastwise::agent {
namespace {

namespace fs = std::filesystem;

class SocketsTest : public testing::Test {
 protected:
  SocketsTest() {
    std::string name = fs::temp_directory_path() / "leastwise-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    EXPECT_TRUE(parse_address("unix:" + path().string(), true, address_));
  }
  ~SocketsTest() override { fs::remove_all(folder_); }
  fs::path path() const { return folder_ / "spoa.sock"; }

  // Tests run side by side, so a port of the network is one that the kernel chooses: opens a
  // socket at 127.0.0.1, and makes address_ where it is.
  Fd open_at_free_port(Fd (*open)(const Address&)) {
    EXPECT_TRUE(parse_address("127.0.0.1:1", false, address_));
    sockaddr_in at{};
    std::memcpy(&at, &address_.storage, sizeof at);
    at.sin_port = 0;
    std::memcpy(&address_.storage, &at, sizeof at);
    Fd fd = open(address_);
    auto* found = static_cast<sockaddr*>(static_cast<void*>(&address_.storage));
    EXPECT_EQ(::getsockname(fd.get(), found, &address_.length), 0);
    return fd;
  }

  std::string refusal() {
    try {
      listen_on(address_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
  Address address_;
};

TEST_F(SocketsTest, AStaleSocketFileIsReplaced) {
  listen_on(address_).close();
  ASSERT_TRUE(fs::exists(path()));
  const Fd again = listen_on(address_);
  EXPECT_TRUE(connect_to(address_));
}

TEST_F(SocketsTest, ALivingOneIsNot) {
  const Fd first = listen_on(address_);
  EXPECT_EQ(refusal(), "listen \"" + address_.text + "\": another process listens there");
  EXPECT_TRUE(connect_to(address_)) << "the first is still there";
}

TEST_F(SocketsTest, WhatIsNoSocketIsLeftAlone) {
  std::ofstream(path()) << "precious";
  EXPECT_EQ(refusal(), "listen \"" + address_.text + "\": a file that is no socket is there");
  EXPECT_EQ(fs::file_size(path()), 8U);
}

TEST_F(SocketsTest, ATcpPortIsNotShared) {
  const Fd first = open_at_free_port([](const Address& a) { return listen_on(a); });
  EXPECT_EQ(refusal(), "listen \"" + address_.text + "\": Address already in use");
}

TEST_F(SocketsTest, DatagramsComeInBatchesWithTheTimeOfTheirArrival) {
  Datagrams datagrams(open_at_free_port(receive_on));
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ::usleep(100'000);  // the kernel turns time stamps on a moment after it was asked to
  const TimePoint before = now();
  for (const std::string text : {"one", "two", ""}) {
    ::sendto(sender.get(), text.data(), text.size(), 0, address_.get(), address_.length);
  }
  const TimePoint after = now();
  ::usleep(20'000);
  ASSERT_EQ(datagrams.receive(), 3U);
  EXPECT_EQ(datagrams.line(0), "one");
  EXPECT_EQ(datagrams.line(1), "two");
  EXPECT_EQ(datagrams.line(2), "");
  // The clock of the stamps is another one: give it a millisecond.
  EXPECT_GE(datagrams.arrived(0), before - std::chrono::milliseconds(1));
  EXPECT_LE(datagrams.arrived(2), after + std::chrono::milliseconds(1));
  EXPECT_EQ(datagrams.receive(), 0U);
}

TEST_F(SocketsTest, ALongDatagramIsCut) {
  Datagrams datagrams(open_at_free_port(receive_on));
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  const std::string text(10'000, 'x');
  ::sendto(sender.get(), text.data(), text.size(), 0, address_.get(), address_.length);
  ASSERT_EQ(datagrams.receive(), 1U);
  EXPECT_EQ(datagrams.line(0).size(), Datagrams::kMaxLine);
}

}  // namespace
}  // namespace leastwise::agent
