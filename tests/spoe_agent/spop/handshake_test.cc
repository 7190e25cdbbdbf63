#include "spop/handshake.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "spoe_agent/spop/frames.h"

namespace leastwise::spop {
namespace {

using test::str;
using test::text;

StatusCode status_of(std::string_view versions, std::string_view capabilities, Hello& hello) {
  const std::string payload = text("supported-versions") + str(versions) + text("max-frame-size") +
                              test::uint32(16380) + text("capabilities") + str(capabilities);
  return read_hello(test::as_bytes(payload), hello);
}

TEST(ReadHello, TakesAnyListThatHasMajorVersionTwo) {
  for (const char* versions :
       {"2.0", "2.1", " 2.0 ", "1.0,2.0", "1.5 , 2.0", "2.0, 1.5", "3.0,2.12", "2.0,"}) {
    Hello hello;
    EXPECT_EQ(status_of(versions, "", hello), StatusCode::kNormal) << versions;
  }
}

TEST(ReadHello, RefusesListsWithoutMajorVersionTwo) {
  for (const char* versions : {"", " ", ",", "1.0", "99", "2", "2.", "2.x", "20.0", "12.0", "3.0",
                               "2.0x", "-2.0", "v2.0", "2,0", "1.2.0"}) {
    Hello hello;
    EXPECT_EQ(status_of(versions, "", hello), StatusCode::kUnsupportedVersion) << versions;
  }
}

TEST(ReadHello, FindsPipeliningOnlyAsAWholeEntry) {
  const auto has_pipelining = [](std::string_view capabilities) {
    Hello hello;
    EXPECT_EQ(status_of("2.0", capabilities, hello), StatusCode::kNormal);
    return hello.has_pipelining;
  };
  EXPECT_TRUE(has_pipelining("pipelining"));
  EXPECT_TRUE(has_pipelining("async, pipelining ,fragmentation"));
  EXPECT_FALSE(has_pipelining(""));
  EXPECT_FALSE(has_pipelining("pipe,lining"));
  EXPECT_FALSE(has_pipelining("pipelining2"));
  EXPECT_FALSE(has_pipelining("Pipelining"));
}

TEST(ReadHello, IgnoresUnknownKeysAndTakesTheLastOfARepeatedOne) {
  const std::string payload = text("colour") + str("red") + text("max-frame-size") +
                              test::uint32(1) + text("max-frame-size") + test::int64(300) +
                              text("supported-versions") + str("2.0") + text("capabilities") +
                              str("") + text("engine-id") + str("e-1");
  Hello hello;
  EXPECT_EQ(read_hello(test::as_bytes(payload), hello), StatusCode::kNormal);
  EXPECT_EQ(hello.max_frame_size, 300U);
  EXPECT_EQ(hello.engine_id, "e-1");
  EXPECT_FALSE(hello.is_health_check);
}

TEST(ReadDisconnect, GivesCodeAndMessage) {
  const std::string payload =
      text("status-code") + test::uint32(2) + text("message") + str("a timeout occurred");
  Disconnect disconnect;
  EXPECT_TRUE(read_disconnect(test::as_bytes(payload), disconnect));
  EXPECT_EQ(disconnect.status, 2U);
  EXPECT_EQ(disconnect.message, "a timeout occurred");
}

TEST(ReadDisconnect, WithoutACodeItIsUnknown) {
  Disconnect disconnect;
  EXPECT_TRUE(read_disconnect({}, disconnect));
  EXPECT_EQ(disconnect.status, 99U);
  EXPECT_EQ(disconnect.message, "");
}

TEST(WriteAgentHello, HasTheBytesOfTheSpecification) {
  Buffer output;
  ASSERT_TRUE(write_agent_hello(output, 300, true));
  EXPECT_EQ(test::as_string(output.bytes()), test::agent_hello("pipelining", 300));
}

TEST(WriteAgentDisconnect, EveryCodeHasAMessage) {
  for (const std::uint32_t code :
       {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 10U, 11U, 12U, 13U, 99U}) {
    const auto status = static_cast<StatusCode>(code);
    EXPECT_EQ(describe(status) == "unknown error", code == 99) << code;
    Buffer output;
    ASSERT_TRUE(write_agent_disconnect(output, status));
    EXPECT_EQ(test::as_string(output.bytes()), test::agent_disconnect(status));
  }
}

}  // namespace
}  // namespace leastwise::spop
