#include "spop/reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "spoe_agent/spop/frames.h"

namespace leastwise::spop {
namespace {

using test::as_bytes;
using test::byte;

// The first and last number of each length, computed by hand from the table of the specification.
const std::pair<const char*, std::uint64_t> kVarints[] = {
    {"00", 0},
    {"ef", 239},
    {"f000", 240},
    {"ff7f", 2287},
    {"f08000", 2288},
    {"ffff7f", 264431},
    {"f0808000", 264432},
    {"ffffff7f", 33818863},
    {"f080808000", 33818864},
    {"ffffffff7f", 4328786159},
    {"fff0fefefefefefefe0e", UINT64_MAX},  // 240 + 15, then 2^60 - 16 in borrowed sevens
};

TEST(Varint, ReadsTheBoundsOfTheSpecification) {
  for (const auto& [digits, number] : kVarints) {
    const std::string bytes = test::unhex(digits);
    Reader reader(as_bytes(bytes));
    EXPECT_EQ(reader.varint(), number) << digits;
    EXPECT_TRUE(reader.ok() && reader.at_end()) << digits;
  }
}

TEST(Varint, RefusesOneWithoutEnd) {
  const std::string endless(64, '\xff');
  Reader reader(as_bytes(endless));
  EXPECT_EQ(reader.varint(), 0U);
  EXPECT_FALSE(reader.ok());
}

TEST(Varint, RefusesOneThatDoesNotFit64Bits) {
  for (const char* digits : {"f0f1fefefefefefefe0e", "fff0fefefefefefefe0f", "fff0fefefefefefefe10",
                             "fff0fefefefefefefe8e00"}) {
    const std::string bytes = test::unhex(digits);
    Reader reader(as_bytes(bytes));
    reader.varint();
    EXPECT_FALSE(reader.ok()) << digits;
  }
}

TEST(Varint, RefusesEveryPrefixOfALongOne) {
  const std::string whole = test::varint(UINT64_MAX);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Reader reader(as_bytes(whole).first(size));
    reader.varint();
    EXPECT_FALSE(reader.ok()) << size;
  }
}

TEST(Reader, TheFirstFailureSticks) {
  const std::string bytes =
      "\x05"
      "ab";  // says five bytes, has two
  Reader reader(as_bytes(bytes));
  EXPECT_EQ(reader.string(), "");
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.byte(), 0U);
  EXPECT_EQ(reader.varint(), 0U);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_EQ(reader.value().type, ValueType::kNull);
  EXPECT_FALSE(reader.ok());
}

TEST(Reader, AStringIsAViewIntoTheFrame) {
  const std::string bytes = test::text("leastwise");
  Reader reader(as_bytes(bytes));
  EXPECT_EQ(reader.string().data(), bytes.data() + 1);
}

TEST(Reader, AStringOfAHugeLengthIsRefused) {
  const std::string bytes = test::varint(UINT64_MAX) + "abc";
  Reader reader(as_bytes(bytes));
  reader.string();
  EXPECT_FALSE(reader.ok());
}

TEST(Reader, UnknownTypesOfValuesAreRefused) {
  for (unsigned type = 10; type <= 15; ++type) {
    const std::string bytes = byte(type) + std::string(32, '\0');
    Reader reading(as_bytes(bytes));
    reading.value();
    EXPECT_FALSE(reading.ok()) << type;
    Reader skipping(as_bytes(bytes));
    skipping.skip_value();
    EXPECT_FALSE(skipping.ok()) << type;
  }
}

TEST(Reader, OnlyTheLowestFlagOfABooleanCounts) {
  for (const auto& [first, expected] :
       {std::pair{0x01U, 0U}, {0x11U, 1U}, {0x21U, 0U}, {0xf1U, 1U}}) {
    const std::string bytes = byte(first);
    Reader reader(as_bytes(bytes));
    const Value value = reader.value();
    EXPECT_TRUE(value.is_bool());
    EXPECT_EQ(value.number, expected) << first;
  }
}

TEST(Reader, A32BitIntegerOutOfItsRangeIsRefused) {
  const auto is_read = [](unsigned type, std::uint64_t number) {
    const std::string bytes = byte(type) + test::varint(number);
    Reader reader(as_bytes(bytes));
    reader.value();
    return reader.ok();
  };
  const auto as_sent = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  EXPECT_TRUE(is_read(2, as_sent(INT32_MIN)) && is_read(2, INT32_MAX) && is_read(3, UINT32_MAX));
  EXPECT_FALSE(is_read(2, as_sent(INT32_MIN) - 1));
  EXPECT_FALSE(is_read(2, std::uint64_t{INT32_MAX} + 1));
  EXPECT_FALSE(is_read(3, std::uint64_t{UINT32_MAX} + 1));
}

TEST(Reader, TruncatedValuesAreRefusedReadOrSkipped) {
  const std::string values[] = {byte(2) + test::varint(300),    byte(3) + test::varint(300),
                                byte(4) + test::varint(300),    byte(5) + test::varint(300),
                                byte(6) + std::string(4, 'x'),  byte(7) + std::string(16, 'x'),
                                byte(8) + test::text("string"), byte(9) + test::text("binary")};
  for (const std::string& whole : values) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Reader reading(as_bytes(whole).first(size));
      reading.value();
      EXPECT_FALSE(reading.ok()) << test::hex(as_bytes(whole)) << " cut to " << size;
      Reader skipping(as_bytes(whole).first(size));
      skipping.skip_value();
      EXPECT_FALSE(skipping.ok()) << test::hex(as_bytes(whole)) << " cut to " << size;
    }
    Reader skipping(as_bytes(whole));
    skipping.skip_value();
    EXPECT_TRUE(skipping.ok() && skipping.at_end()) << test::hex(as_bytes(whole));
  }
}

TEST(Reader, AnIntegerKeepsItsEncodedFormSoThatItCanBeAKey) {
  const std::string bytes = test::int64(300);
  Reader reader(as_bytes(bytes));
  EXPECT_EQ(reader.value().bytes, test::varint(300));
}

TEST(Value, OnlyIntegersThatAreNotNegativeAreNatural) {
  EXPECT_EQ(Value::int32(7).natural(), 7U);
  EXPECT_EQ(Value::uint64(UINT64_MAX).natural(), UINT64_MAX);
  EXPECT_EQ(Value::int64(-1).natural(), std::nullopt);
  EXPECT_EQ(Value::int32(-1).natural(), std::nullopt);
  EXPECT_EQ(Value::boolean(true).natural(), std::nullopt);
  EXPECT_EQ(Value::string("7").natural(), std::nullopt);
  EXPECT_EQ(Value().natural(), std::nullopt);
}

TEST(Header, IsReadFieldByField) {
  const std::string frame = test::frame_of(3, "rest", 0x01020304, 300, 5);
  Reader reader(as_bytes(frame).subspan(kLengthSize));
  const FrameHeader header = read_header(reader);
  EXPECT_EQ(header.type, FrameType::kNotify);
  EXPECT_EQ(header.flags, 0x01020304U);
  EXPECT_EQ(header.stream_id, 300U);
  EXPECT_EQ(header.frame_id, 5U);
  EXPECT_EQ(test::as_string(reader.rest()), "rest");
}

}  // namespace
}  // namespace leastwise::spop
