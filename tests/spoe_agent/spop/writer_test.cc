#include "spop/writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "spoe_agent/spop/frames.h"
#include "spop/reader.h"

namespace leastwise::spop {
namespace {

constexpr FrameHeader kAck{.type = FrameType::kAck, .stream_id = 300, .frame_id = 2};

struct NamedValue {
  const char* name;
  Value value;
};

void PrintTo(const NamedValue& named, std::ostream* out) { *out << named.name; }

class EveryType : public testing::TestWithParam<NamedValue> {};

TEST_P(EveryType, IsReadBackAsItWasWritten) {
  const Value& written = GetParam().value;
  Buffer buffer;
  Writer writer(buffer, kAck, kMinFrameSize);
  writer.value(written);
  ASSERT_TRUE(writer.finish());
  Reader reader(buffer.bytes().subspan(kLengthSize));
  read_header(reader);
  const Value read = reader.value();
  EXPECT_TRUE(reader.ok() && reader.at_end());
  EXPECT_EQ(read.type, written.type);
  EXPECT_EQ(read.number, written.number);
  if (!written.is_integer()) {
    EXPECT_EQ(read.bytes, written.bytes);
  }
}

constexpr NamedValue kValues[] = {
    {"null", Value()},
    {"false", Value::boolean(false)},
    {"true", Value::boolean(true)},
    {"int32_min", Value::int32(INT32_MIN)},
    {"int32_minus_one", Value::int32(-1)},
    {"int32_max", Value::int32(INT32_MAX)},
    {"uint32_239", Value::uint32(239)},
    {"uint32_max", Value::uint32(UINT32_MAX)},
    {"int64_min", Value::int64(INT64_MIN)},
    {"int64_max", Value::int64(INT64_MAX)},
    {"uint64_240", Value::uint64(240)},
    {"uint64_max", Value::uint64(UINT64_MAX)},
    {"ipv4", Value::ipv4({"\x7f\0\0\1", 4})},
    {"ipv6", Value::ipv6({"\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16})},
    {"string", Value::string("s1")},
    {"empty_string", Value::string("")},
    {"binary", Value::binary({"\0\xff\0", 3})},
};
INSTANTIATE_TEST_SUITE_P(Values, EveryType, testing::ValuesIn(kValues),
                         [](const auto& value) { return std::string(value.param.name); });

TEST(Writer, WritesTheBytesOfAnIndependentEncoder) {
  Buffer buffer;
  Writer writer(buffer, kAck, kMaxFrameSize);
  std::string expected;
  for (const std::uint64_t n : {0ULL, 239ULL, 240ULL, 2287ULL, 2288ULL, 264431ULL, 264432ULL,
                                33818863ULL, 33818864ULL, 1ULL << 63, ~0ULL}) {
    writer.value(Value::uint64(n));
    expected += test::byte(5) + test::varint(n);
  }
  writer.item("max-frame-size", Value::uint32(16380));
  expected += test::text("max-frame-size") + test::uint32(16380);
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(test::hex(buffer.bytes()),
            test::hex(test::as_bytes(test::frame_of(103, expected, 1, 300, 2))));
}

TEST(Writer, EveryNumberAroundAPowerOfTwoIsReadBack) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t n :
         {(1ULL << bit) - 1, 1ULL << bit, (1ULL << bit) + 239, (1ULL << bit) + 240}) {
      Buffer buffer;
      Writer writer(buffer, kAck, kMinFrameSize);
      writer.varint(n);
      ASSERT_TRUE(writer.finish());
      Reader reader(buffer.bytes().subspan(kLengthSize));
      read_header(reader);
      ASSERT_EQ(reader.varint(), n);
      ASSERT_TRUE(reader.ok() && reader.at_end());
    }
  }
}

TEST(Writer, AFrameOfExactlyTheLargestSizeFitsAndNoneAbove) {
  const std::size_t header = kMinHeaderSize + 1;  // the stream identifier takes two bytes
  for (const std::size_t extra : {0U, 1U}) {
    Buffer buffer;
    Writer writer(buffer, kAck, kMinFrameSize);
    for (std::size_t i = header; i < kMinFrameSize + extra; ++i) writer.byte('x');
    EXPECT_EQ(writer.finish(), extra == 0);
    EXPECT_EQ(buffer.size(), extra == 0 ? kLengthSize + kMinFrameSize : 0);
  }
}

TEST(Writer, AStringThatEndsAtTheLargestSizeFitsAndNoneLonger) {
  const std::size_t left = kMinFrameSize - (kMinHeaderSize + 1) - 1;  // less its length
  for (const std::size_t extra : {0U, 1U}) {
    Buffer buffer;
    Writer writer(buffer, kAck, kMinFrameSize);
    ASSERT_EQ(writer.mark(), kLengthSize + kMinHeaderSize + 1);
    for (int i = 0; i < 200; ++i) writer.byte('x');
    writer.string(std::string(left - 200 + extra, 'x'));
    EXPECT_EQ(writer.finish(), extra == 0);
  }
}

TEST(Writer, RewindForgetsAFailureAndWhatCameWithIt) {
  Buffer buffer;
  Writer writer(buffer, kAck, kMinFrameSize);
  writer.string("kept");
  const std::size_t mark = writer.mark();
  writer.string(std::string(kMinFrameSize, 'x'));
  EXPECT_FALSE(writer.ok());
  writer.rewind(mark);
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(test::as_string(buffer.bytes()), test::frame_of(103, test::text("kept"), 1, 300, 2));
}

TEST(Writer, WithoutFinishTheBufferIsUnchanged) {
  Buffer buffer;
  buffer.append(test::as_bytes("before"));
  {
    Writer writer(buffer, kAck, kMinFrameSize);
    writer.string("lost");
  }
  EXPECT_EQ(test::as_string(buffer.bytes()), "before");
}

TEST(Writer, FramesFollowEachOther) {
  Buffer buffer;
  for (int i = 0; i < 2; ++i) {
    Writer writer(buffer, kAck, kMinFrameSize);
    ASSERT_TRUE(writer.finish());
  }
  const std::string one = test::frame_of(103, "", 1, 300, 2);
  EXPECT_EQ(test::as_string(buffer.bytes()), one + one);
}

}  // namespace
}  // namespace leastwise::spop
