#include "haproxy/termination.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise::agent {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct Row {
  const char* state;
  int status;
  Result result;
};

constexpr Row kTable[] = {
    {"--", 200, Result::kOk},
    {"--", 404, Result::kOk},
    {"--", 0, Result::kOk},
    {"--", 500, Result::kServerError},
    {"--", 503, Result::kServerError},
    {"CL", 200, Result::kOk},
    {"SL", 502, Result::kServerError},
    {"SC", 503, Result::kRefused},
    {"SH", 502, Result::kReset},
    {"SD", 200, Result::kTruncated},
    {"SQ", 503, Result::kCancelled},
    {"SR", 200, Result::kOk},
    {"S-", 500, Result::kServerError},
    {"sC", 503, Result::kRefused},
    {"sH", 504, Result::kTimeout},
    {"sD", 200, Result::kTimeout},
    {"sQ", 503, Result::kCancelled},
    {"PH", 502, Result::kReset},
    {"PD", 200, Result::kTruncated},
    {"PR", 403, Result::kCancelled},
    {"PC", 503, Result::kCancelled},
    {"PT", 500, Result::kCancelled},
    {"DH", 503, Result::kReset},
    {"DD", 200, Result::kTruncated},
    {"DC", 503, Result::kCancelled},
    {"CQ", 0, Result::kCancelled},
    {"cQ", 503, Result::kCancelled},
    {"CC", 0, Result::kClientGone},
    {"CH", 0, Result::kClientGone},
    {"CD", 200, Result::kClientGone},
    {"cD", 200, Result::kClientGone},
    {"cR", 408, Result::kClientGone},
    {"RC", 503, Result::kCancelled},
    {"IH", 500, Result::kCancelled},
    {"LR", 200, Result::kCancelled},
    {"UD", 200, Result::kCancelled},
    {"KD", 200, Result::kCancelled},
    {"??", 200, Result::kCancelled},
};

TEST(Termination, ClassifiesByTheTable) {
  for (const Row& row : kTable) {
    EXPECT_EQ(classify(row.state[0], row.state[1], row.status), row.result)
        << row.state << ' ' << row.status;
  }
}

FeedbackLine line_of(std::int64_t queue, std::int64_t connect, std::int64_t answer,
                     std::int64_t total) {
  FeedbackLine line;
  line.cause = line.phase = '-';
  line.status = 200;
  line.queue = queue;
  line.connect = connect;
  line.answer = answer;
  line.total = total;
  return line;
}

TEST(Termination, OurOwnClockGivesTheMicroseconds) {
  // All timers are cut to 0 ms, the request took 700 µs.
  const Outcome o = outcome_of(line_of(0, 0, 0, 0), Sample::kAuto, microseconds(700));
  EXPECT_EQ(o.occupied, microseconds(700));
  EXPECT_EQ(o.first_byte, microseconds(700));
}

TEST(Termination, ALateLineIsBoundedByHaproxysTotal) {
  // 12 ms by HAProxy; the line lay in the socket for a second: 12 ms and the one cut off.
  const Outcome o = outcome_of(line_of(0, 0, 12, 12), Sample::kAuto, milliseconds(1012));
  EXPECT_EQ(o.occupied, milliseconds(13));
}

TEST(Termination, TimeInTheQueueIsNotTheServers) {
  const Outcome o = outcome_of(line_of(30, 0, 10, 41), Sample::kAuto, microseconds(40500));
  EXPECT_EQ(o.occupied, microseconds(10500));
}

TEST(Termination, ALargeAnswerBelongsToTheClient) {
  FeedbackLine line = line_of(0, 1, 20, 5000);
  line.bytes_received = kBufferedBytes + 1;
  // 21 ms to the first byte, and up to the one cut off.
  EXPECT_EQ(outcome_of(line, Sample::kAuto, milliseconds(5000)).occupied, milliseconds(22));
  EXPECT_EQ(outcome_of(line, Sample::kFull, milliseconds(5000)).occupied, milliseconds(5000));
  line.bytes_received = kBufferedBytes;
  EXPECT_EQ(outcome_of(line, Sample::kAuto, milliseconds(5000)).occupied, milliseconds(5000));
}

TEST(Termination, AfterASwitchOfProtocolsTheLengthBelongsToTheClient) {
  FeedbackLine line = line_of(0, 0, 3, 60000);
  line.status = 101;
  EXPECT_EQ(outcome_of(line, Sample::kAuto, milliseconds(60000)).occupied, milliseconds(4));
}

TEST(Termination, FirstByteMeansFirstByte) {
  const FeedbackLine line = line_of(0, 0, 3, 9);
  EXPECT_EQ(outcome_of(line, Sample::kFirstByte, milliseconds(9)).occupied, milliseconds(4));
}

TEST(Termination, OfTcpTheTimeToConnectCounts) {
  FeedbackLine line = line_of(0, 2, -1, 9000);
  line.status = 0;
  EXPECT_EQ(outcome_of(line, Sample::kAuto, milliseconds(9000)).occupied, milliseconds(3));
  EXPECT_EQ(outcome_of(line, Sample::kFull, milliseconds(9000)).occupied, milliseconds(9000));
}

TEST(Termination, WhoLeavesBeforeAnHttpAnswerWaitedSoLong) {
  FeedbackLine line = line_of(0, 0, -1, 3000);
  line.status = 0;
  line.is_http = true;
  line.cause = 'C';
  line.phase = 'H';
  const Outcome o = outcome_of(line, Sample::kAuto, milliseconds(3000));
  EXPECT_EQ(o.result, Result::kClientGone);
  EXPECT_EQ(o.first_byte, kUnknownDuration);
  EXPECT_EQ(o.occupied, milliseconds(3000));
}

TEST(Termination, ATimeoutCountsAsTheTimeWaited) {
  FeedbackLine line = line_of(0, 0, -1, 3000);
  line.cause = 's';
  line.phase = 'H';
  line.status = 504;
  const Outcome o = outcome_of(line, Sample::kAuto, milliseconds(3000));
  EXPECT_EQ(o.result, Result::kTimeout);
  EXPECT_EQ(o.occupied, milliseconds(3000));
  EXPECT_EQ(o.first_byte, kUnknownDuration);
}

TEST(Termination, WithoutAConnectionThereIsNoTime) {
  FeedbackLine line = line_of(0, -1, -1, 3000);
  line.cause = 'S';
  line.phase = 'C';
  const Outcome o = outcome_of(line, Sample::kAuto, milliseconds(3000));
  EXPECT_EQ(o.result, Result::kRefused);
  EXPECT_EQ(o.occupied, kUnknownDuration);
  EXPECT_EQ(o.connect, kUnknownDuration);
}

}  // namespace
}  // namespace leastwise::agent
