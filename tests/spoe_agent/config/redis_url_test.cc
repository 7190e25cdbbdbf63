#include "config/redis_url.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise::agent {
namespace {

RedisUrl parsed(const std::string& text) {
  RedisUrl url;
  EXPECT_TRUE(parse_redis_url(text, url)) << text;
  return url;
}

TEST(RedisUrl, HasDefaults) {
  const RedisUrl url = parsed("redis://cache.example");
  EXPECT_EQ(url, (RedisUrl{.host = "cache.example"}));
  EXPECT_EQ(url.port, 6379);
  EXPECT_EQ(url.prefix, "leastwise");
}

TEST(RedisUrl, SaysAll) {
  const RedisUrl url = parsed("redis://lw:p%40ss%3a@10.0.0.9:7000/shop-1");
  EXPECT_EQ(url.user, "lw");
  EXPECT_EQ(url.password, "p@ss:");
  EXPECT_EQ(url.host, "10.0.0.9");
  EXPECT_EQ(url.port, 7000);
  EXPECT_EQ(url.prefix, "shop-1");
  EXPECT_EQ(url.shown(), "redis://10.0.0.9:7000");
}

TEST(RedisUrl, TheDefaultUserHasAPasswordOnly) {
  const RedisUrl url = parsed("redis://:secret@[::1]/");
  EXPECT_EQ(url.user, "");
  EXPECT_EQ(url.password, "secret");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.shown(), "redis://[::1]:6379");
}

TEST(RedisUrl, SaysThatItIsTls) {
  const RedisUrl url = parsed("rediss://cache.example/shop");
  EXPECT_EQ(url, (RedisUrl{.host = "cache.example", .is_tls = true, .prefix = "shop"}));
  EXPECT_EQ(url.shown(), "rediss://cache.example:6379");
  EXPECT_FALSE(parsed("redis://cache.example").is_tls);
}

TEST(RedisUrl, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "redis",
                           "redis:",
                           "redis://",
                           "redis:///x",
                           "http://host",
                           "redisss://host",
                           "rediss:host",
                           "host:6379",
                           "redis://host:0x1",
                           "redis://host:70000",
                           "redis://host:0",
                           "redis://user@host",
                           "redis://user:@host",
                           "redis://:%4@host",
                           "redis://:%zz@host",
                           "redis://host/a/b",
                           "redis://host/a?b",
                           "redis://host/a#b",
                           "redis://host/{a}",
                           "redis://host/a b"}) {
    RedisUrl url{.host = "as it was"};
    EXPECT_FALSE(parse_redis_url(text, url)) << text;
    EXPECT_EQ(url.host, "as it was");
  }
  EXPECT_FALSE([] {
    RedisUrl url;
    return parse_redis_url("redis://host/" + std::string(65, 'a'), url);
  }());
}

TEST(RedisUrl, IsShownWithoutThePassword) {
  EXPECT_EQ(without_password("rediss://lw:s@ecret@host/x"), "rediss://...@host/x");
  EXPECT_EQ(without_password("redis://host/x"), "redis://host/x");
  EXPECT_EQ(without_password("on"), "on");
  EXPECT_EQ(without_password("-----BEGIN PRIVATE KEY-----\nMC4CAQ"), "... (a private key)");
  // Of URLs that are mistyped, or cut at a blank.
  EXPECT_EQ(without_password("redis:/lw:secret@host"), "...@host");
  EXPECT_EQ(without_password("lw:secret@host"), "...@host");
  EXPECT_EQ(without_password("ret@host"), "...@host");
  EXPECT_EQ(without_password("redis://lw:sec"), "redis://...");
  EXPECT_EQ(without_password("redis://host:6379/x"), "redis://host:6379/x");
  EXPECT_EQ(without_password("unix:/run/leastwise/spoa.sock"), "unix:/run/leastwise/spoa.sock");
}

}  // namespace
}  // namespace leastwise::agent
