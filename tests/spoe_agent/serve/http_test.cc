#include "serve/http.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace leastwise::agent {
namespace {

class Count final : public Parts {
 public:
  bool next(std::string& out) override {
    out += std::string(20, static_cast<char>('a' + n_));
    return ++n_ < 3;
  }

 private:
  int n_ = 0;
};

class TestSite final : public Site {
 public:
  Answer get(std::string_view path, std::string_view query) override {
    asked = path;
    asked_for = query;
    Answer answer;
    if (path == "/throws") throw std::runtime_error("no");
    if (path == "/parts") {
      answer.parts = std::make_unique<Count>();
    } else {
      answer.text = "hello\n";
    }
    return answer;
  }
  bool acts_at(std::string_view path) const noexcept override { return path.starts_with("/act"); }
  Answer act(const ActRequest& request) override {
    Answer answer;
    answer.status = 403;
    answer.header = "X-One: more";
    for (const std::string_view part :
         {request.method, request.path, request.authorization, request.body}) {
      answer.text += std::string(part) + '|';
    }
    return answer;
  }
  std::string asked, asked_for;  // path and query
};

class HttpTest : public testing::Test {
 protected:
  // What comes back, to the end of the answer.
  std::string say(std::string_view text) {
    const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(text.data()));
    session_->feed({bytes, text.size()}, output_);
    std::string all;
    while (true) {
      if (output_.empty()) session_->go_on(output_);
      if (output_.empty()) return all;
      const spop::Bytes part = output_.bytes();
      all.append(part.begin(), part.end());
      output_.clear();
    }
  }
  static std::string body(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  TestSite site_;
  HttpProtocol protocol_{site_};
  std::unique_ptr<Session> session_ = protocol_.open();
  spop::Buffer output_;
};

TEST_F(HttpTest, AnswersOneRequestAfterTheOther) {
  for (const char* path : {"/a", "/b"}) {
    const std::string answer = say("GET " + std::string(path) + "?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Length: 6\r\n"), answer.npos);
    EXPECT_NE(answer.find("\r\nX-Content-Type-Options: nosniff\r\n"), answer.npos);
    EXPECT_EQ(body(answer), "hello\n");
    EXPECT_EQ(site_.asked, path);
    EXPECT_EQ(site_.asked_for, "x=1");
    EXPECT_FALSE(session_->is_closing());
  }
  EXPECT_EQ(session_->progress(), 2U);
}

TEST_F(HttpTest, AHeadMayComeByteByByteAndIsNoProgressUntilItsEnd) {
  const std::string head = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  for (std::size_t i = 0; i + 1 < head.size(); ++i) {
    EXPECT_EQ(say(head.substr(i, 1)), "");
    EXPECT_EQ(session_->progress(), 0U);
  }
  EXPECT_EQ(body(say("\n")), "hello\n");
}

TEST_F(HttpTest, AnAnswerInPartsComesInChunks) {
  const std::string answer = say("GET /parts HTTP/1.1\r\n\r\n");
  EXPECT_NE(answer.find("\r\nTransfer-Encoding: chunked\r\n"), answer.npos);
  EXPECT_EQ(answer.find("Content-Length"), answer.npos);
  std::string expected;
  for (const char c : {'a', 'b', 'c'}) expected += "14\r\n" + std::string(20, c) + "\r\n";
  EXPECT_EQ(body(answer), expected + "0\r\n\r\n");
  EXPECT_EQ(session_->progress(), 4U) << "the request and each part";
  EXPECT_FALSE(session_->is_closing());
}

TEST_F(HttpTest, AnOldClientGetsTheEndOfTheConnectionInsteadOfChunks) {
  const std::string answer = say("GET /parts HTTP/1.0\r\n\r\n");
  EXPECT_EQ(answer.find("chunked"), answer.npos);
  EXPECT_EQ(body(answer).size(), 60U);
  EXPECT_TRUE(session_->is_closing());
}

TEST_F(HttpTest, AHalfClosedClientStillGetsAllParts) {
  const std::string_view request = "GET /parts HTTP/1.1\r\n\r\n";
  const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(request.data()));
  session_->feed({bytes, request.size()}, output_);
  session_->end_of_input(output_);
  EXPECT_FALSE(session_->is_closing());
  EXPECT_TRUE(say("").ends_with("0\r\n\r\n"));
  EXPECT_TRUE(session_->is_closing());
}

TEST_F(HttpTest, RefusesWhatIsNoReading) {
  const std::pair<std::string, std::string> cases[] = {
      {"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "405 "},
      {"HEAD / HTTP/1.1\r\n\r\n", "405 "},
      {"get / HTTP/1.1\r\n\r\n", "400 "},
      {"GET /\r\n\r\n", "400 "},
      {"GET / HTTP/2.0\r\n\r\n", "400 "},
      {"GET / HTTP/1.1\r\nno colon\r\n\r\n", "400 "},
      {"\x16\x03\x01 tls\r\n\r\n", "400 "},
      {"GET /" + std::string(HttpProtocol::kMostHead, 'x'), "431 "},
      {"GET / HTTP/1.1\r\nX: " + std::string(HttpProtocol::kMostHead, 'x') + "\r\n\r\n", "431 "},
  };
  for (const auto& [request, status] : cases) {
    session_ = protocol_.open();
    const std::string answer = say(request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status)) << request.substr(0, 40) << answer;
    EXPECT_TRUE(session_->is_closing()) << request.substr(0, 40);
    EXPECT_EQ(body(answer).empty(), request.starts_with("HEAD"));
    EXPECT_EQ(say("GET / HTTP/1.1\r\n\r\n"), "") << "no more after that";
  }
}

TEST_F(HttpTest, AHeadThatEndsNowhereIsTooLongByItsNextByte) {
  EXPECT_EQ(say("GET /" + std::string(HttpProtocol::kMostHead - 5, 'x')), "");
  EXPECT_FALSE(session_->is_closing());
  EXPECT_EQ(say("x").substr(0, 12), "HTTP/1.1 431");
  EXPECT_TRUE(session_->is_closing());
}

TEST_F(HttpTest, ClosesAfterWhatItCanNotTellTheEndOf) {
  for (const char* rest : {"Connection: Close\r\n\r\n", "content-length: 3\r\n\r\nabc",
                           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "\r\nGET /b HTTP/1.1"}) {
    session_ = protocol_.open();
    const std::string answer = say("GET /a HTTP/1.1\r\n" + std::string(rest));
    EXPECT_EQ(body(answer), "hello\n") << rest;
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), answer.npos) << rest;
    EXPECT_TRUE(session_->is_closing()) << rest;
    EXPECT_EQ(site_.asked, "/a");
  }
}

TEST_F(HttpTest, ThePathIsThatOfTheUrl) {
  for (const auto& [target, path] : {std::pair{"http://h:1/a?x=/b", "/a"}, {"http://h", "/"}}) {
    say("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(site_.asked, path);
  }
}

TEST_F(HttpTest, WhatActsGetsItsMethodItsAuthorizationAndItsBody) {
  const std::pair<std::string, std::string> cases[] = {
      {"POST /act HTTP/1.1\r\nAuthorization: Bearer t\r\nContent-Length: 5\r\n\r\nhello",
       "POST|/act|Bearer t|hello|"},
      {"PATCH /act/x?y HTTP/1.1\r\naUTHORIZATION:t\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\nhe\r\n3\r\nllo\r\n0\r\nAuthorization: behind\r\n\r\n",
       "PATCH|/act/x|t|hello|"},
      {"POST /act HTTP/1.1\r\nX-Authorization: t\r\n\r\n", "POST|/act|||"},
      {"GET /act HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", "GET|/act|ab||"},
      {"DELETE /act HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "DELETE|/act|||"},
  };
  for (const auto& [request, heard] : cases) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, request.size()}) {
      session_ = protocol_.open();
      std::string answer;
      for (std::size_t i = 0; i < request.size(); i += step) answer += say(request.substr(i, step));
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 Forbidden\r\n")) << request;
      EXPECT_NE(answer.find("\r\nX-One: more\r\n"), answer.npos);
      EXPECT_EQ(body(answer), heard);
      EXPECT_TRUE(session_->is_closing());
      EXPECT_EQ(say("POST /act HTTP/1.1\r\n\r\n"), "") << "no more after that";
    }
  }
}

TEST_F(HttpTest, ABodyIsBounded) {
  const std::string head = "POST /act HTTP/1.1\r\nContent-Length: ";
  const std::string most(HttpProtocol::kMostBody, 'x');
  EXPECT_NE(say(head + std::to_string(most.size()) + "\r\n\r\n" + most).find(most + '|'),
            std::string::npos);
  session_ = protocol_.open();
  EXPECT_EQ(say(head + "999999999\r\n\r\n" + most), "");
  EXPECT_FALSE(session_->is_closing());
  EXPECT_TRUE(say("x").starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(session_->is_closing());
  session_ = protocol_.open();
  EXPECT_TRUE(say("POST /act HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n")
                  .starts_with("HTTP/1.1 400 "));
}

TEST_F(HttpTest, AnAnswerThatCanNotBeMadeEndsTheConnection) {
  EXPECT_EQ(say("GET /throws HTTP/1.1\r\n\r\n"), "");
  EXPECT_TRUE(session_->is_closing());
}

}  // namespace
}  // namespace leastwise::agent
