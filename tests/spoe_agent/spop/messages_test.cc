#include "spop/messages.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "spoe_agent/spop/frames.h"

namespace leastwise::spop {
namespace {

using test::argument;
using test::as_bytes;
using test::message;

const std::string kFirst =
    message("first", {argument("a", test::str("x")), argument("b", test::int64(300))});
const std::string kSecond = message("second", {argument("c", test::boolean(true))});

TEST(Messages, AreWalkedInOrderWithTheirArguments) {
  const std::string payload = kFirst + kSecond;
  Messages messages(as_bytes(payload));
  std::string_view name;
  Argument arg;
  ASSERT_TRUE(messages.next(name));
  EXPECT_EQ(name, "first");
  ASSERT_TRUE(messages.next(arg));
  EXPECT_EQ(arg.name, "a");
  EXPECT_EQ(arg.value.bytes, "x");
  ASSERT_TRUE(messages.next(arg));
  EXPECT_EQ(arg.value.natural(), 300U);
  EXPECT_FALSE(messages.next(arg));
  ASSERT_TRUE(messages.next(name));
  EXPECT_EQ(name, "second");
  ASSERT_TRUE(messages.next(arg));
  EXPECT_TRUE(arg.value.is_bool());
  EXPECT_FALSE(messages.next(arg));
  EXPECT_FALSE(messages.next(name));
  EXPECT_TRUE(messages.ok());
}

TEST(Messages, ArgumentsThatWereNotReadAreSkipped) {
  const std::string payload = kFirst + kSecond;
  Messages messages(as_bytes(payload));
  std::string_view name;
  Argument arg;
  ASSERT_TRUE(messages.next(name) && messages.next(arg));  // one of two
  ASSERT_TRUE(messages.next(name));
  EXPECT_EQ(name, "second");
}

TEST(Messages, NoneAtAllIsWellFormed) { EXPECT_TRUE(is_well_formed(Messages({}))); }

TEST(Messages, AMessageWithoutArgumentsIsWellFormed) {
  const std::string payload = message("empty", {});
  EXPECT_TRUE(is_well_formed(Messages(as_bytes(payload))));
}

TEST(Messages, APrefixIsWellFormedOnlyIfItEndsBetweenMessages) {
  const std::string payload = kFirst + kSecond;
  for (std::size_t size = 0; size <= payload.size(); ++size) {
    const bool is_whole = size == 0 || size == kFirst.size() || size == payload.size();
    EXPECT_EQ(is_well_formed(Messages(as_bytes(payload).first(size))), is_whole) << size;
  }
}

TEST(Messages, MoreArgumentsAnnouncedThanSentAreRefused) {
  std::string payload = kSecond;
  payload[1 + std::string_view("second").size()] = 2;  // it has one
  EXPECT_FALSE(is_well_formed(Messages(as_bytes(payload))));
}

}  // namespace
}  // namespace leastwise::spop
