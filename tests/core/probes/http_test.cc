#include "probes/http.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace leastwise::probes {
namespace {

ProbeSettings settings(const std::vector<std::string_view>& words) {
  ProbeSettings s;
  EXPECT_TRUE(set(s, "http").ok());
  for (const std::string_view word : words) {
    const Status status = set(s, word);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  return s;
}

// What is made of an answer that comes in parts of that size, and of its end.
ProbeResult judge(const ProbeSettings& s, std::string_view text, std::size_t part = 1) {
  HttpAnswer answer(s);
  for (; !text.empty(); text.remove_prefix(std::min(part, text.size()))) {
    if (const auto result = answer.read(text.substr(0, part))) return *result;
  }
  return answer.end();
}

struct Case {
  const char* answer;
  ProbeFault fault;
  std::uint32_t detail = 0;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.answer; }
class AnswerTest : public ::testing::TestWithParam<Case> {};

TEST_P(AnswerTest, IsJudgedAlikeHoweverItIsCut) {
  const ProbeSettings s = settings({"status=200-299", "body=well"});
  for (const std::size_t part : {1U, 2U, 3U, 7U, 1000U}) {
    const ProbeResult result = judge(s, GetParam().answer, part);
    EXPECT_EQ(result.fault, GetParam().fault) << name(result.fault) << " in parts of " << part;
    EXPECT_EQ(result.detail, GetParam().detail);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, AnswerTest,
    ::testing::Values(
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nall is well", ProbeFault::kNone},
        Case{"HTTP/1.0 200 OK\r\n\r\nwewellx", ProbeFault::kNone},
        Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwe\r\n2\r\nll\r\n0\r\n\r\n",
             ProbeFault::kNone},
        Case{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 X\r\n\r\nwell",
             ProbeFault::kBody},  // a 204 has no body
        Case{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 X\r\n\r\n", ProbeFault::kStatus, 503},
        Case{"HTTP/1.1 503 X\r\nContent-Length: 4\r\n\r\nwell", ProbeFault::kStatus, 503},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nill", ProbeFault::kBody},
        Case{"HTTP/1.1 200 OK\r\n\r\nwel", ProbeFault::kBody},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwel", ProbeFault::kClosed},
        Case{"HTTP/1.1 200 OK\r\nContent-Le", ProbeFault::kClosed}, Case{"", ProbeFault::kClosed},
        Case{"SSH-2.0-OpenSSH_9.2\r\n", ProbeFault::kNoHttp},
        Case{"\x16\x03\x01\x02", ProbeFault::kNoHttp},
        Case{"HTTP/1.1 2000 OK\r\n\r\n", ProbeFault::kNoHttp},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 4x\r\n\r\nwell", ProbeFault::kNoHttp},
        Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nwell",
             ProbeFault::kNoHttp}));

TEST(AnswerTest, WithoutABodyToLookForTheHeaderIsEnough) {
  const ProbeSettings s = settings({"method=HEAD"});
  EXPECT_TRUE(judge(s, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n").passed());
  EXPECT_TRUE(judge(s, "HTTP/1.1 302 Found\r\n\r\n").passed());
  EXPECT_EQ(judge(s, "HTTP/1.1 200 OK\r\nX: y").fault, ProbeFault::kClosed);
}

TEST(AnswerTest, NoMoreThan64KiBAreRead) {
  const ProbeSettings s = settings({"body=well"});
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
  const std::size_t room = ProbeSettings::kMostAnswer - head.size();
  EXPECT_TRUE(judge(s, head + std::string(room - 4, 'x') + "well", 4096).passed());
  EXPECT_EQ(judge(s, head + std::string(room, 'x') + "well", 4096).fault, ProbeFault::kTooMuch);
  const std::string header = "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x');
  EXPECT_EQ(judge(s, header, 16384).fault, ProbeFault::kTooMuch);
}

TEST(RequestTest, HasWhatTheSettingsSay) {
  std::array<char, 512> buffer;
  Text text(buffer);
  write_http(settings({"uri=/health?deep=1", "method=POST"}), "app", text);
  EXPECT_EQ(text.view(),
            "POST /health?deep=1 HTTP/1.1\r\nHost: app\r\nUser-Agent: leastwise-probe\r\n"
            "Accept: */*\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  text.cut(0);
  write_http(settings({"host=shop.test:8080"}), "app", text);
  EXPECT_TRUE(text.view().starts_with("GET / HTTP/1.1\r\nHost: shop.test:8080\r\n"));
}

struct BadWords {
  std::vector<std::string_view> words;
  const char* message;
};
void PrintTo(const BadWords& bad, std::ostream* out) { *out << bad.message; }
class BadWordsTest : public ::testing::TestWithParam<BadWords> {};

TEST_P(BadWordsTest, AreRefusedAndSayWhatIsAccepted) {
  ProbeSettings s;
  Status status;
  for (const std::string_view word : GetParam().words) {
    ASSERT_TRUE(status.ok()) << "only the last is bad";
    status = set(s, word);
  }
  if (status.ok()) status = check(s);
  EXPECT_STREQ(status.message(), GetParam().message);
}

#define TIME "a time from 100ms to 1h, as 250ms, 30s, 30 (seconds) or 1m30s"
INSTANTIATE_TEST_SUITE_P(
    All, BadWordsTest,
    ::testing::Values(
        BadWords{{"udp"}, "invalid kind of probe \"udp\": expected http, tcp or grpc"},
        BadWords{{"http", "interval=5x"}, "invalid parameter \"interval=5x\": expected " TIME},
        BadWords{{"http", "interval=50ms"}, "invalid parameter \"interval=50ms\": expected " TIME},
        BadWords{{"http", "interval=1s", "interval=2s"},
                 "duplicate parameter \"interval=2s\": expected each of them once"},
        BadWords{{"tcp", "uri=/"},
                 "unknown parameter \"uri=/\": expected interval=, jitter=, timeout=, passes=, "
                 "fails=, port=, sni=, tls, mandatory"},
        BadWords{{"http", "uri=health"},
                 "invalid parameter \"uri=health\": expected a path that begins with \"/\", of at "
                 "most 1024 visible ASCII characters"},
        BadWords{{"http", "uri=/a b"},
                 "invalid parameter \"uri=/a b\": expected a path that begins with \"/\", of at "
                 "most 1024 visible ASCII characters"},
        BadWords{{"http", "host=a\r\nX:"},
                 "invalid parameter \"host=a\r\nX:\": expected a host name or address, with or "
                 "without a port"},
        BadWords{{"http", "fails=0"},
                 "invalid parameter \"fails=0\": expected a whole number from 1 to 100"},
        BadWords{{"http", "jitter=10"},
                 "invalid parameter \"jitter=10\": expected a part from 0% to 50%"},
        BadWords{{"http", "port=65536"},
                 "invalid parameter \"port=65536\": expected a whole number from 1 to 65535"},
        BadWords{{"http", "status=200-"},
                 "invalid parameter \"status=200-\": expected 1 to 8 statuses or ranges from 100 "
                 "to 599, as in 200-299,301"},
        BadWords{{"http", "status=299-200"},
                 "invalid parameter \"status=299-200\": expected 1 to 8 statuses or ranges from "
                 "100 to 599, as in 200-299,301"},
        BadWords{{"http", "interval=1s", "timeout=2s"},
                 "timeout=2s is longer than interval=1s: expected at most the interval"},
        BadWords{{"http", "sni=a.test"},
                 "\"sni=\" is sent with \"tls\" only: expected \"tls\" beside it"},
        BadWords{{"http", "method=HEAD", "body=ok"},
                 "\"body=\" and \"method=HEAD\", whose answers have none: expected one of them"}));

TEST(WordsTest, AShortIntervalShortensTheTimeoutThatIsNotSet) {
  EXPECT_EQ(settings({"interval=300ms"}).timeout, std::chrono::milliseconds(300));
  EXPECT_EQ(settings({"timeout=200ms", "interval=300ms"}).timeout, std::chrono::milliseconds(200));
  EXPECT_EQ(settings({"interval=30s"}).timeout, std::chrono::seconds(1));
}

TEST(WordsTest, TheNameForTlsIsThatOfTheHost) {
  EXPECT_EQ(settings({"tls", "host=a.test:8443"}).server_name(), "a.test");
  EXPECT_EQ(settings({"tls", "host=a.test", "sni=b.test"}).server_name(), "b.test");
  EXPECT_EQ(settings({"tls", "host=[::1]:80"}).server_name(), "");
}

TEST(WordsTest, ALastErrorSaysWhatWasAccepted) {
  std::array<char, 160> buffer;
  const auto said = [&](const ProbeResult& result) {
    Text text(buffer);
    describe(result, settings({"status=200,204,301-308", "timeout=500ms"}), text);
    return std::string(text.view());
  };
  EXPECT_EQ(said({ProbeFault::kStatus, 503}), "status 503, accepted 200,204,301-308");
  EXPECT_EQ(said({ProbeFault::kTimeout}), "timeout after 500ms");
  EXPECT_EQ(said({ProbeFault::kRefused}), "connection refused");
  EXPECT_EQ(said({ProbeFault::kNotServing, 2}), "grpc.health.v1 says NOT_SERVING");
  EXPECT_EQ(said({static_cast<ProbeFault>(63), 9999}), "passed");  // damaged memory
}

// The body of an answer that comes in parts of that size.
struct Kept {
  ProbeResult result;
  std::string body;
};
Kept keep(std::string_view text, std::size_t part) {
  const ProbeSettings s = settings({"status=200"});
  std::vector<char> room(ProbeSettings::kMostAnswer);
  Body body{room};
  HttpAnswer answer(s, &body);
  Kept kept;
  for (; !text.empty(); text.remove_prefix(std::min(part, text.size()))) {
    if (const auto result = answer.read(text.substr(0, part))) {
      return {*result, std::string(body.text())};
    }
  }
  kept.result = answer.end();
  kept.body = body.text();
  return kept;
}

TEST(HttpAnswer, ABodyThatIsWantedIsKeptWholeHoweverItEnds) {
  for (const std::string_view text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na 0.5", "HTTP/1.0 200 OK\r\n\r\na 0.5",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n2\r\na \r\n3\r\n0.5\r\n0\r\n\r\n"}) {
    for (const std::size_t part : {1U, 3U, 1000U}) {
      const Kept kept = keep(text, part);
      EXPECT_TRUE(kept.result.passed()) << text;
      EXPECT_EQ(kept.body, "a 0.5") << text;
    }
  }
  EXPECT_EQ(keep("HTTP/1.1 503 X\r\nContent-Length: 5\r\n\r\na 0.5", 7).result.fault,
            ProbeFault::kStatus);
  EXPECT_EQ(keep("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na 0.5", 7).result.fault,
            ProbeFault::kClosed);
}

TEST(HttpAnswer, OfABodyWithoutAnEndTheBeginningIsKept) {
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
  for (const std::size_t part : {1000U, 16384U, 1000000U}) {
    const Kept kept = keep(head + std::string(200000, 'x'), part);
    EXPECT_EQ(kept.result.fault, ProbeFault::kTooMuch);
    EXPECT_EQ(kept.body.size(), ProbeSettings::kMostAnswer - head.size());
  }
}

}  // namespace
}  // namespace leastwise::probes
