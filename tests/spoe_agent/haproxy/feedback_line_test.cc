#include "haproxy/feedback_line.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise::agent {
namespace {

// As HAProxy 2.6.12 wrote it.
constexpr std::string_view kRecorded =
    "leastwise id=2e9a2f80-1df8-45ee-9d5a-0ad9a71e4d3c s=s2 st=200 Tw=1 Tc=2 Tr=14 Ta=17 tsc=---- "
    "B=130 U=84 rc=0\n";

TEST(FeedbackLine, ReadsARecordedLine) {
  FeedbackLine line;
  ASSERT_EQ(parse_feedback_line(kRecorded, line), LineKind::kOurs);
  EXPECT_EQ(line.id, "2e9a2f80-1df8-45ee-9d5a-0ad9a71e4d3c");
  EXPECT_EQ(line.server, "s2");
  EXPECT_EQ(line.status, 200);
  EXPECT_EQ(line.queue, 1);
  EXPECT_EQ(line.connect, 2);
  EXPECT_EQ(line.answer, 14);
  EXPECT_EQ(line.total, 17);
  EXPECT_EQ(line.cause, '-');
  EXPECT_EQ(line.phase, '-');
  EXPECT_EQ(line.bytes_received, 130U);
  EXPECT_EQ(line.bytes_sent, 84U);
  EXPECT_EQ(line.retries, 0U);
  EXPECT_FALSE(line.redispatched);
}

TEST(FeedbackLine, ReadsWhatTheExampleConfigurationAdds) {
  FeedbackLine line;
  const std::string recorded(kRecorded.substr(0, kRecorded.size() - 1));
  const std::string full = recorded + " report=QQ== bin=Qg== grpc=14 len=0";  // the line views it
  ASSERT_EQ(parse_feedback_line(full, line), LineKind::kOurs);
  EXPECT_EQ(line.report, "QQ==");
  EXPECT_EQ(line.bin, "Qg==");
  EXPECT_EQ(line.grpc, 14);
  EXPECT_TRUE(line.is_empty);
  const std::string none = recorded + " report=- bin=- grpc=- len=-";
  ASSERT_EQ(parse_feedback_line(none, line), LineKind::kOurs);
  EXPECT_TRUE(line.report.empty() && line.bin.empty());
  EXPECT_EQ(line.grpc, kNoGrpcStatus);
  EXPECT_FALSE(line.is_empty);
  ASSERT_EQ(parse_feedback_line(recorded + " grpc=oops len=10", line), LineKind::kOurs);
  EXPECT_EQ(line.grpc, 2);  // UNKNOWN
  EXPECT_FALSE(line.is_empty);
}

TEST(FeedbackLine, AHeaderThatTheAnswerDoesNotHaveIsEmpty) {
  FeedbackLine line;
  const std::string recorded(kRecorded.substr(0, kRecorded.size() - 1));
  const std::string full = recorded + " grpc= len= report= bin=";
  ASSERT_EQ(parse_feedback_line(full, line), LineKind::kOurs);
  EXPECT_EQ(line.grpc, kNoGrpcStatus);
  EXPECT_FALSE(line.is_empty);
}

TEST(FeedbackLine, WordsOfAClientBeforeOursAreNotOurs) {
  FeedbackLine line;
  const std::string text =
      "10.0.0.1 \"GET /leastwise id=x s=s9 st=500 tsc=SH-- HTTP/1.1\"  leastwise id=y s=s9 "
      "tsc=---- " +
      std::string(kRecorded);
  ASSERT_EQ(parse_feedback_line(text, line), LineKind::kOurs);
  EXPECT_EQ(line.server, "s2");
  EXPECT_EQ(line.status, 200);
}

TEST(FeedbackLine, WithinJsonItEndsWithTheString) {
  FeedbackLine line;
  const std::string text = R"({"path":"/ leastwise id=x","leastwise":"leastwise id=a s=s1 st=200 )"
                           R"(tsc=---- rc=0 -","st":"st=500 s=s2"})";
  ASSERT_EQ(parse_feedback_line(text, line), LineKind::kOurs);
  EXPECT_EQ(line.id, "a");
  EXPECT_EQ(line.server, "s1");
  EXPECT_EQ(line.status, 200);
  EXPECT_EQ(line.retries, 0U);
}

TEST(FeedbackLine, ReadsALineOfTcpMode) {
  FeedbackLine line;
  ASSERT_EQ(parse_feedback_line("leastwise id=a s=s1 Tw=0 Tc=1 Tt=5000 ts=CD B=1 U=2 rc=0", line),
            LineKind::kOurs);
  EXPECT_EQ(line.status, 0);
  EXPECT_FALSE(line.is_http);
  EXPECT_EQ(line.answer, -1);
  EXPECT_EQ(line.total, 5000);
  EXPECT_EQ(line.cause, 'C');
  EXPECT_EQ(line.phase, 'D');
}

TEST(FeedbackLine, ARedispatchShows) {
  FeedbackLine line;
  ASSERT_EQ(parse_feedback_line("leastwise id=a s=s1 tsc=---- rc=+2", line), LineKind::kOurs);
  EXPECT_TRUE(line.redispatched);
  EXPECT_EQ(line.retries, 2U);
}

TEST(FeedbackLine, NoServerAndNoIdAreEmpty) {
  FeedbackLine line;
  ASSERT_EQ(parse_feedback_line("leastwise id=- s=<NOSRV> st=-1 tsc=SC-- Tc=-1 Tr=-1", line),
            LineKind::kOurs);
  EXPECT_TRUE(line.id.empty());
  EXPECT_TRUE(line.server.empty());
  EXPECT_EQ(line.status, 0);
  EXPECT_TRUE(line.is_http);
  EXPECT_EQ(line.connect, -1);
}

TEST(FeedbackLine, UnknownFieldsAndASyslogHeadAreIgnored) {
  FeedbackLine line;
  EXPECT_EQ(parse_feedback_line("<134>Nov 23 12:00:00 haproxy[1]: leastwise x=1 id=a junk s=s1 "
                                "ts=-- y=",
                                line),
            LineKind::kOurs);
  EXPECT_EQ(line.server, "s1");
}

TEST(FeedbackLine, TheLastOfARepeatedFieldCounts) {
  FeedbackLine line;
  ASSERT_EQ(parse_feedback_line("leastwise id=a s=s1 s=s2 tsc=----", line), LineKind::kOurs);
  EXPECT_EQ(line.server, "s2");
}

struct Refused {
  const char* name;
  std::string text;
  LineKind kind;
};

const Refused kRefused[] = {
    {"Empty", "", LineKind::kForeign},
    {"AnotherProgram", "sshd: session opened", LineKind::kForeign},
    {"TheLogOfHaproxysSpoe", "SPOE: [leastwise-agent] <EVENT:on-backend-http-request> sid=1",
     LineKind::kForeign},
    {"MagicWithinAWord", "xleastwise id=a s=s1 tsc=----", LineKind::kForeign},
    {"MagicAlone", "leastwise ", LineKind::kGarbled},
    {"NoId", "leastwise s=s1 tsc=----", LineKind::kGarbled},
    {"EmptyId", "leastwise id= s=s1 tsc=----", LineKind::kGarbled},
    {"LongId", "leastwise id=" + std::string(257, 'a') + " s=s1 tsc=----", LineKind::kGarbled},
    {"NoServer", "leastwise id=a tsc=----", LineKind::kGarbled},
    {"LongServer", "leastwise id=a s=" + std::string(2049, 'a') + " tsc=----", LineKind::kGarbled},
    {"NoTermination", "leastwise id=a s=s1", LineKind::kGarbled},
    {"LongTermination", "leastwise id=a s=s1 tsc=-----", LineKind::kGarbled},
    {"StatusIsText", "leastwise id=a s=s1 tsc=---- st=abc", LineKind::kGarbled},
    {"StatusTooLarge", "leastwise id=a s=s1 tsc=---- st=1000", LineKind::kGarbled},
    {"TimeBelowMinusOne", "leastwise id=a s=s1 tsc=---- Tr=-2", LineKind::kGarbled},
    {"TimeTooLarge", "leastwise id=a s=s1 tsc=---- Tr=99999999999999999999", LineKind::kGarbled},
    {"TimeOfYears", "leastwise id=a s=s1 tsc=---- Tr=99999999999", LineKind::kGarbled},
    {"TimeIsNoInteger", "leastwise id=a s=s1 tsc=---- Tr=1.5", LineKind::kGarbled},
    {"TimeIsNan", "leastwise id=a s=s1 tsc=---- Ta=nan", LineKind::kGarbled},
    {"NegativeBytes", "leastwise id=a s=s1 tsc=---- B=-1", LineKind::kGarbled},
    {"RetriesAreText", "leastwise id=a s=s1 tsc=---- rc=+", LineKind::kGarbled},
    {"CutWithinANumber", "leastwise id=a s=s1 tsc=---- Ta=", LineKind::kGarbled},
    {"FieldsBehindTheLine", "leastwise id=a s=s1\ntsc=----", LineKind::kGarbled},
};

class RefusedLines : public testing::TestWithParam<Refused> {};

TEST_P(RefusedLines, AreToldApartAndChangeNothing) {
  FeedbackLine line;
  line.id = "before";
  EXPECT_EQ(parse_feedback_line(GetParam().text, line), GetParam().kind);
  EXPECT_EQ(line.id, "before");
}

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }
INSTANTIATE_TEST_SUITE_P(Table, RefusedLines, testing::ValuesIn(kRefused),
                         [](const auto& refused) { return refused.param.name; });

}  // namespace
}  // namespace leastwise::agent
