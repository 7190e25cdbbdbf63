#include "leastwise/failures.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "leastwise/config.h"

namespace leastwise {
namespace {

using Codes = std::initializer_list<std::uint16_t>;

TEST(Failures, OfHttpAreThoseFrom500On) {
  const Failures failures;
  for (const std::uint16_t status : Codes{0, 101, 200, 204, 302, 304, 401, 404, 429, 499}) {
    EXPECT_FALSE(failures.contains(status, kNoGrpcStatus)) << status;
  }
  for (const std::uint16_t status : Codes{500, 502, 503, 599, 999, 65535}) {
    EXPECT_TRUE(failures.contains(status, kNoGrpcStatus)) << status;
  }
}

TEST(Failures, OfGrpcAreThoseOfTheServersMaking) {
  const Failures failures;
  for (const std::int32_t code : {1, 2, 4, 8, 13, 14}) EXPECT_TRUE(failures.contains(200, code));
  for (const std::int32_t code : {-1, 0, 3, 5, 6, 7, 9, 10, 11, 12, 15, 16, 17, 1000}) {
    EXPECT_FALSE(failures.contains(200, code)) << code;
  }
}

TEST(Failures, AGrpcStatusThatIsNoneIsUnknown) {
  EXPECT_EQ(read_grpc_status("0"), 0);
  EXPECT_EQ(read_grpc_status("16"), 16);
  for (const char* text : {"", "17", "-1", " 0", "0x", "99999999999999999999", "OK"}) {
    EXPECT_EQ(read_grpc_status(text), 2) << text;
  }
}

TEST(Failures, WhatIsAddedCountsBesideThem) {
  Failures failures;
  for (const char* text : {"http_404", "http_429", "grpc_7", "grpc_16", "http_200"}) {
    EXPECT_TRUE(failures.add(text).ok()) << text;
  }
  for (const std::uint16_t status : Codes{404, 429, 200, 500}) {
    EXPECT_TRUE(failures.contains(status, kNoGrpcStatus));
  }
  EXPECT_FALSE(failures.contains(405, kNoGrpcStatus));
  EXPECT_TRUE(failures.contains(201, 7));
  EXPECT_TRUE(failures.contains(201, 16));
  EXPECT_FALSE(failures.contains(201, 5));
}

TEST(Failures, AWordThatIsNoneIsRefusedAndSaysWhatIs) {
  Config config;
  const Directive& directive = *find_directive("failure");
  for (const char* text : {"", "404", "http_", "http_199", "http_600", "http_4x4", "HTTP_404",
                           "grpc_0", "grpc_17", "grpc_", "error", "http_404,http_429"}) {
    const Status status = set(config, directive, text);
    EXPECT_FALSE(status.ok()) << text;
    EXPECT_EQ(std::string(status.message()),
              "invalid value \"" + std::string(text) +
                  "\": expected one or more of http_200 to http_599 and grpc_1 to grpc_16, as in "
                  "http_429 http_404");
  }
  EXPECT_FALSE(config.failure.contains(404, kNoGrpcStatus));
}

TEST(Failures, EachValueOfTheDirectiveAddsToTheOthers) {
  Config config;
  const Directive& directive = *find_directive("failure");
  EXPECT_TRUE(takes_several(directive, "http_429"));
  EXPECT_FALSE(takes_several(*find_directive("decay"), "8s"));
  ASSERT_TRUE(set(config, directive, "http_404").ok());
  ASSERT_TRUE(set(config, directive, "http_429").ok());
  EXPECT_TRUE(config.failure.contains(404, kNoGrpcStatus));
  EXPECT_TRUE(config.failure.contains(429, kNoGrpcStatus));
}

}  // namespace
}  // namespace leastwise
