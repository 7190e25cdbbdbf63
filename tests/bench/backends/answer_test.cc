#include "bench/backends/answer.h"

#include <gtest/gtest.h>

#include "bench/common/http_reader.h"

namespace leastwise::bench {
namespace {

AnswerSpec spec_with(Ending ending) {
  AnswerSpec spec;
  spec.server = "s7";
  spec.body_bytes = 20;
  spec.ending = ending;
  return spec;
}

TEST(Answer, AGoodOneIsCompleteAndNamesItsServer) {
  AnswerSpec spec = spec_with(Ending::kWell);
  spec.status = 503;
  spec.load_report = "TEXT cpu_utilization=0.5";
  const Answer answer = render(spec);
  HttpReader reader(HttpReader::Kind::kResponse, "x-server");
  EXPECT_EQ(reader.feed(answer.bytes), answer.bytes.size());
  EXPECT_TRUE(reader.is_complete());
  EXPECT_TRUE(reader.keeps_alive());
  EXPECT_EQ(reader.status(), 503);
  EXPECT_EQ(reader.wanted_value(), "s7");
  EXPECT_NE(answer.bytes.find("\r\nendpoint-load-metrics: TEXT cpu"), std::string::npos);
  EXPECT_EQ(answer.after, After::kKeepOpen);
}

TEST(Answer, TruncatedOnesCloseBeforeTheyAreComplete) {
  for (const Ending ending : {Ending::kTruncate, Ending::kTruncateChunked}) {
    const Answer answer = render(spec_with(ending));
    HttpReader reader(HttpReader::Kind::kResponse, "x-server");
    reader.feed(answer.bytes);
    EXPECT_FALSE(reader.is_complete());
    EXPECT_FALSE(reader.is_broken());
    EXPECT_EQ(answer.after, After::kClose);
  }
}

TEST(Answer, AStreamIsChunkedAndCompleteAfterItsLastEvent) {
  AnswerSpec spec = spec_with(Ending::kStream);
  const Answer answer = render(spec);
  EXPECT_EQ(answer.after, After::kMore);
  EXPECT_NE(answer.bytes.find("text/event-stream"), std::string::npos);
  HttpReader reader(HttpReader::Kind::kResponse, "x-server");
  reader.feed(answer.bytes);
  EXPECT_TRUE(reader.has_body());
  reader.feed(next_piece(Ending::kStream));
  EXPECT_FALSE(reader.is_complete());
  reader.feed(kEndOfStream);
  EXPECT_TRUE(reader.is_complete());
  EXPECT_TRUE(reader.keeps_alive());
}

TEST(Answer, AWebsocketBeginsWithASwitchOfProtocols) {
  const Answer answer = render(spec_with(Ending::kWebsocket));
  EXPECT_TRUE(answer.bytes.starts_with("HTTP/1.1 101 "));
  EXPECT_NE(answer.bytes.find("\r\nUpgrade: websocket\r\n"), std::string::npos);
  EXPECT_EQ(answer.after, After::kMore);
}

TEST(Answer, GarbageIsNotHttp) {
  for (const Ending ending : {Ending::kGarbage, Ending::kGarbageHeader}) {
    const Answer answer = render(spec_with(ending));
    HttpReader reader(HttpReader::Kind::kResponse, "x-server");
    reader.feed(answer.bytes);
    EXPECT_TRUE(reader.is_broken());
  }
}

TEST(Answer, AStaleOnePromisesToStayAndCloses) {
  AnswerSpec spec = spec_with(Ending::kStale);
  EXPECT_EQ(render(spec).bytes.find("Connection:"), std::string::npos);
  EXPECT_EQ(render(spec).after, After::kClose);
  spec = spec_with(Ending::kWell);
  spec.closes_silently = true;
  EXPECT_EQ(render(spec).after, After::kClose);
}

TEST(Answer, AnnouncesThatItClosesWhenTheClientAskedForIt) {
  AnswerSpec spec = spec_with(Ending::kWell);
  spec.keeps_alive = false;
  EXPECT_NE(render(spec).bytes.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_EQ(render(spec).after, After::kClose);
}

TEST(Answer, StatusesWithoutBodyHaveNone) {
  AnswerSpec spec = spec_with(Ending::kWell);
  spec.status = 204;
  EXPECT_TRUE(render(spec).bytes.ends_with("\r\n\r\n"));
  EXPECT_EQ(render(spec).bytes.find("Content-Length"), std::string::npos);
}

}  // namespace
}  // namespace leastwise::bench
