// Everything that is not SPOP, or not by its rules, and the code it is refused with.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "spoe_agent/spop/frames.h"
#include "spoe_agent/spop/recording_handler.h"
#include "spop/connection.h"

namespace leastwise::spop {
namespace {

using test::argument;
using test::as_bytes;
using test::big_endian;
using test::byte;
using test::frame_of;
using test::hello;
using test::message;
using test::notify;
using test::str;
using test::text;
using test::uint32;

struct Refused {
  const char* name;
  bool after_hello;
  std::string input;
  StatusCode status;
};

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

std::string items(std::string_view versions, std::string_view size, std::string_view capabilities) {
  std::string payload;
  if (!versions.empty()) payload += text("supported-versions") + std::string(versions);
  if (!size.empty()) payload += text("max-frame-size") + std::string(size);
  if (!capabilities.empty()) payload += text("capabilities") + std::string(capabilities);
  return payload;
}

std::string hello_of(std::string_view versions, std::string_view size,
                     std::string_view capabilities) {
  return frame_of(1, items(versions, size, capabilities));
}

const std::string kSize = uint32(16380);
const std::string kVersion = str("2.0");
const std::string kNone = str("");
const std::string kGood = items(kVersion, kSize, kNone);
const std::string kPick = message("leastwise-pick", {argument("backend", str("app"))});

std::string pick_with(std::string_view value) {
  return notify(message("leastwise-pick", {argument("key", value)}));
}

constexpr StatusCode kTooBig = StatusCode::kFrameTooBig;
constexpr StatusCode kInvalid = StatusCode::kInvalidFrame;
constexpr StatusCode kFragment = StatusCode::kFragmentation;
constexpr StatusCode kVersionStatus = StatusCode::kUnsupportedVersion;
constexpr StatusCode kSizeStatus = StatusCode::kBadMaxFrameSize;
constexpr bool kFirst = false;  // as the first bytes of a connection
constexpr bool kLater = true;   // after the handshake

const Refused kScanners[] = {
    {"http", kFirst, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", kTooBig},
    {"http2", kFirst, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", kTooBig},
    {"tls_client_hello", kFirst, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
     kTooBig},
    {"ssh", kFirst, "SSH-2.0-OpenSSH_9.2\r\n", kTooBig},
    {"proxy_protocol", kFirst, std::string("\r\n\r\n\0\r\nQUIT\n", 12), kTooBig},
    {"remote_desktop", kFirst, std::string("\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0", 19),
     kTooBig},
    {"smb", kFirst, std::string("\0\0\0\x08\xffSMBr\0\0\0", 12), kInvalid},
    {"zeros", kFirst, std::string(64, '\0'), kInvalid},
    {"ones", kFirst, std::string(64, '\xff'), kTooBig},
};

const Refused kFrames[] = {
    {"size_zero", kLater, big_endian(0), kInvalid},
    {"size_below_a_header", kLater, big_endian(6) + std::string("\3\0\0\0\1\0", 6), kInvalid},
    {"size_below_a_header_and_nothing_else", kLater, big_endian(6), kInvalid},
    {"size_above_ours_before_hello", kFirst, big_endian(16381), kTooBig},
    {"size_above_the_agreed", kLater, big_endian(16381), kTooBig},
    {"size_of_four_gigabytes", kLater, big_endian(0xffffffff), kTooBig},
    {"notify_without_fin", kLater, frame_of(3, kPick, 0, 7, 1), kFragment},
    {"aborted_notify_without_fin", kLater, frame_of(3, kPick, 2, 7, 1), kFragment},
    {"hello_without_fin", kFirst, frame_of(1, kGood, 0), kFragment},
    {"unset_type", kLater, frame_of(0, kPick, 1, 7, 1), kFragment},
    {"unset_type_without_fin", kLater, frame_of(0, kPick, 0, 7, 1), kFragment},
    {"unknown_type", kLater, frame_of(4, kPick, 1, 7, 1), kInvalid},
    {"unknown_type_255", kLater, frame_of(255, kPick, 1, 7, 1), kInvalid},
    {"type_of_an_agent_hello", kFirst, frame_of(101, kGood), kInvalid},
    {"type_of_an_ack", kLater, frame_of(103, "", 1, 7, 1), kInvalid},
    {"notify_before_hello", kFirst, notify(kPick), kInvalid},
    {"second_hello", kLater, hello(), kInvalid},
    {"hello_with_a_stream", kFirst, frame_of(1, kGood, 1, 1, 0), kInvalid},
    {"hello_with_a_frame", kFirst, frame_of(1, kGood, 1, 0, 1), kInvalid},
    {"endless_stream_id", kLater,
     big_endian(40) + std::string("\3\0\0\0\1", 5) + std::string(35, '\xff'), kInvalid},
    {"stream_id_of_65_bits", kLater,
     big_endian(16) + std::string("\3\0\0\0\1", 5) + test::unhex("fff0fefefefefefefe0f") + byte(0),
     kInvalid},
    {"frame_id_cut_off", kLater, big_endian(7) + std::string("\3\0\0\0\1\0\xf0", 7), kInvalid},
};

const Refused kHellos[] = {
    {"no_items", kFirst, frame_of(1, ""), StatusCode::kNoVersion},
    {"no_version", kFirst, hello_of("", kSize, kNone), StatusCode::kNoVersion},
    {"version_1_0", kFirst, hello_of(str("1.0"), kSize, kNone), kVersionStatus},
    {"version_99", kFirst, hello_of(str("99"), kSize, kNone), kVersionStatus},
    {"version_3_0", kFirst, hello_of(str("3.0"), kSize, kNone), kVersionStatus},
    {"version_empty", kFirst, hello_of(str(""), kSize, kNone), kVersionStatus},
    {"version_an_integer", kFirst, hello_of(uint32(2), kSize, kNone), kVersionStatus},
    {"version_null", kFirst, hello_of(test::null(), kSize, kNone), kVersionStatus},
    {"version_binary", kFirst, hello_of(byte(9) + text("2.0"), kSize, kNone), kVersionStatus},
    {"prefix_of_a_key", kFirst, frame_of(1, text("supported") + kVersion + items("", kSize, kNone)),
     StatusCode::kNoVersion},
    {"key_ver", kFirst, frame_of(1, text("ver") + kVersion + items("", kSize, kNone)),
     StatusCode::kNoVersion},
    {"empty_key", kFirst, frame_of(1, text("") + kVersion + items("", kSize, kNone)),
     StatusCode::kNoVersion},
    {"longer_key", kFirst,
     frame_of(1, text("supported-versions2") + kVersion + items("", kSize, kNone)),
     StatusCode::kNoVersion},
    {"no_size", kFirst, hello_of(kVersion, "", kNone), StatusCode::kNoMaxFrameSize},
    {"prefix_of_the_size_key", kFirst,
     frame_of(1, items(kVersion, "", kNone) + text("max-frame") + kSize),
     StatusCode::kNoMaxFrameSize},
    {"size_0", kFirst, hello_of(kVersion, uint32(0), kNone), kSizeStatus},
    {"size_255", kFirst, hello_of(kVersion, uint32(255), kNone), kSizeStatus},
    {"size_negative", kFirst, hello_of(kVersion, test::int64(~0ULL), kNone), kSizeStatus},
    {"size_of_33_bits", kFirst, hello_of(kVersion, test::int64(1ULL << 32), kNone), kSizeStatus},
    {"size_a_string", kFirst, hello_of(kVersion, str("16380"), kNone), kSizeStatus},
    {"no_capabilities", kFirst, hello_of(kVersion, kSize, ""), StatusCode::kNoCapabilities},
    {"capabilities_an_integer", kFirst, hello_of(kVersion, kSize, uint32(1)), kInvalid},
    {"healthcheck_a_string", kFirst, frame_of(1, kGood + text("healthcheck") + str("true")),
     kInvalid},
    {"uint32_size_of_33_bits", kFirst, hello_of(kVersion, uint32(1ULL << 32), kNone), kInvalid},
    {"unknown_type_of_an_unknown_key", kFirst, frame_of(1, kGood + text("x") + byte(10)), kInvalid},
    {"key_without_value", kFirst, frame_of(1, kGood + text("x")), kInvalid},
    {"key_cut_off", kFirst, frame_of(1, kGood + byte(9) + "x"), kInvalid},
    {"value_cut_off", kFirst, frame_of(1, kGood + text("x") + byte(8) + byte(9) + "x"), kInvalid},
    {"disconnect_undecodable", kLater, frame_of(2, text("status-code") + byte(3)), kInvalid},
};

const Refused kNotifies[] = {
    {"message_name_cut_off", kLater, notify(byte(14) + "leastwise"), kInvalid},
    {"message_name_of_a_huge_length", kLater, notify(test::varint(~0ULL) + "x"), kInvalid},
    {"number_of_arguments_missing", kLater, notify(text("leastwise-pick")), kInvalid},
    {"arguments_missing", kLater, notify(text("leastwise-pick") + byte(255)), kInvalid},
    {"argument_without_value", kLater, notify(text("leastwise-pick") + byte(1) + text("key")),
     kInvalid},
    {"bytes_after_the_messages", kLater, notify(kPick + "x"), kInvalid},
    {"value_of_type_10", kLater, pick_with(byte(10)), kInvalid},
    {"value_of_type_15", kLater, pick_with(byte(15) + "zz"), kInvalid},
    {"string_cut_off", kLater, pick_with(byte(8) + byte(6) + "alice"), kInvalid},
    {"binary_cut_off", kLater, pick_with(byte(9) + byte(1)), kInvalid},
    {"ipv4_cut_off", kLater, pick_with(byte(6) + "abc"), kInvalid},
    {"ipv6_cut_off", kLater, pick_with(byte(7) + std::string(15, 'x')), kInvalid},
    {"integer_cut_off", kLater, pick_with(byte(4) + byte(240)), kInvalid},
    {"integer_endless", kLater, pick_with(byte(4) + std::string(100, '\xff')), kInvalid},
    {"integer_of_65_bits", kLater, pick_with(byte(5) + test::unhex("fff0fefefefefefefe0f")),
     kInvalid},
    {"int32_of_33_bits", kLater, pick_with(byte(2) + test::varint(1ULL << 32)), kInvalid},
    {"string_of_a_length_that_wraps", kLater, pick_with(byte(8) + test::varint(~0ULL)), kInvalid},
};

class RefusedInput : public testing::TestWithParam<Refused> {
 protected:
  // The answer to the bad input alone, fed in pieces of `size`.
  std::string answer(std::size_t size) {
    test::RecordingHandler handler;
    Connection connection(handler);
    Buffer output;
    if (GetParam().after_hello) connection.feed(as_bytes(hello()), output);
    output.clear();
    const std::string& input = GetParam().input;
    for (std::size_t at = 0; at < input.size(); at += size) {
      connection.feed(as_bytes(std::string_view(input).substr(at, size)), output);
    }
    EXPECT_TRUE(connection.closing());
    EXPECT_EQ(connection.status(), GetParam().status);
    EXPECT_TRUE(handler.notified.empty());
    return test::as_string(output.bytes());
  }
};

TEST_P(RefusedInput, IsAnsweredByADisconnectWithItsCode) {
  EXPECT_EQ(answer(GetParam().input.size()), test::agent_disconnect(GetParam().status));
}

TEST_P(RefusedInput, IsAnsweredTheSameFedByteByByte) {
  EXPECT_EQ(answer(1), test::agent_disconnect(GetParam().status));
}

std::string name_of(const testing::TestParamInfo<Refused>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(OtherProtocols, RefusedInput, testing::ValuesIn(kScanners), name_of);
INSTANTIATE_TEST_SUITE_P(Frame, RefusedInput, testing::ValuesIn(kFrames), name_of);
INSTANTIATE_TEST_SUITE_P(Hello, RefusedInput, testing::ValuesIn(kHellos), name_of);
INSTANTIATE_TEST_SUITE_P(Notify, RefusedInput, testing::ValuesIn(kNotifies), name_of);

}  // namespace
}  // namespace leastwise::spop
