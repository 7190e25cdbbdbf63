#include "sharing/report.h"

#include <gtest/gtest.h>

namespace leastwise::sharing {
namespace {

Report two() {
  return {.life = 7,
          .number = 3,
          .servers = {{.server = hash_of("app/s1"), .requests = 2.5F, .work = 0.125F},
                      {.server = hash_of("app/s2"), .requests = 0, .work = 0}}};
}

TEST(Report, ComesBackAsItWas) {
  const Report sent = two();
  const auto got = decode(encode(sent));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->life, 7U);
  EXPECT_EQ(got->number, 3U);
  EXPECT_EQ(got->servers, sent.servers);
}

// What it looks like is what other versions rely on.
TEST(Report, HasTheDocumentedBytes) {
  const std::string bytes = encode({.life = 0x0201, .number = 1, .servers = {{0x04030201, 1, 1}}});
  EXPECT_EQ(bytes,
            std::string("LWS1\1\0\0\0\1\0\0\0\0\0\0\0\1\2\0\0\0\0\0\0\1\2\3\4\x10\0\xe8\3", 32));
}

TEST(Report, TellsAtMostWhatFits) {
  const auto got = decode(encode({.servers = {{1, 1e30F, 1e30F}, {2, -1, -1}}}));
  ASSERT_TRUE(got);
  EXPECT_FLOAT_EQ(got->servers[0].requests, 65535 / 16.0F);
  EXPECT_FLOAT_EQ(got->servers[0].work, 65.535F);
  EXPECT_EQ(got->servers[1].requests, 0);
}

TEST(Report, RefusesWhatIsNone) {
  const std::string good = encode(two());
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(decode(good.substr(0, length))) << length;
  }
  EXPECT_FALSE(decode(good + '\0'));
  for (std::size_t at = 0; at < 8; ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x55);
    EXPECT_FALSE(decode(bad)) << at;
  }
  EXPECT_FALSE(decode("LWS1" + std::string(20, '\xff')));
}

// 64 servers, ten times a second: 5.4 of the 40 KB/s.
TEST(Report, IsSmall) {
  Report report;
  report.servers.resize(64);
  EXPECT_EQ(encode(report).size(), 536U);
}

}  // namespace
}  // namespace leastwise::sharing
