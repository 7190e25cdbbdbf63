#include "leastwise/networks.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise {
namespace {

Networks networks(std::string_view text) {
  Networks read;
  EXPECT_TRUE(Networks::parse(text, read).ok()) << text;
  return read;
}

TEST(Networks, ContainTheirAddressesOnly) {
  const Networks n = networks("10.1.0.0/16,192.168.7.0/25,fd00:1::/32,127.0.0.1");
  for (const char* inside : {"10.1.0.0", "10.1.255.255", "192.168.7.127", "fd00:1:ffff::1",
                             "127.0.0.1", "::ffff:10.1.2.3"}) {
    EXPECT_TRUE(n.contains(std::string_view(inside))) << inside;
  }
  for (const char* outside : {"10.2.0.0", "10.0.255.255", "192.168.7.128", "fd00:2::1", "127.0.0.2",
                              "::1", "", "10.1.0", "host", "10.1.0.1:80"}) {
    EXPECT_FALSE(n.contains(std::string_view(outside))) << outside;
  }
}

TEST(Networks, AreAskedByBytesToo) {
  const Networks n = networks("10.0.0.0/8");
  const std::array<std::uint8_t, 4> inside{10, 9, 8, 7};
  const std::array<std::uint8_t, 4> outside{11, 9, 8, 7};
  EXPECT_TRUE(n.contains(inside));
  EXPECT_FALSE(n.contains(outside));
  EXPECT_FALSE(n.contains(std::span(inside).first(3)));
}

TEST(Networks, OfLengthZeroContainAll) {
  const std::array<std::uint8_t, 4> any{8, 8, 8, 8};
  EXPECT_TRUE(networks("::/0").contains(any));
  EXPECT_TRUE(networks("0.0.0.0/0").contains(any));
  EXPECT_FALSE(networks("0.0.0.0/0").contains(std::string_view("::1"))) << "IPv4 only";
}

TEST(Networks, RefuseWhatIsNone) {
  Networks kept = networks("10.0.0.0/8");
  for (const char* bad : {"", ",", "10.0.0.0/8,", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8",
                          "fd00::/129", "fd00::1/64", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1",
                          " 10.0.0.0/8", "10.0.0.0/8 ", "host", "1.2.3.4:80", "[::1]"}) {
    EXPECT_FALSE(Networks::parse(bad, kept).ok()) << bad;
  }
  EXPECT_TRUE(kept.contains(std::string_view("10.0.0.1"))) << "unchanged";
  const std::string long_text(100, '1');
  EXPECT_FALSE(Networks::parse(long_text, kept).ok());
}

TEST(Networks, AreSixteenAtMost) {
  std::string text = "10.0.0.0/16";
  for (int i = 1; i < 16; ++i) text += ",10." + std::to_string(i) + ".0.0/16";
  EXPECT_TRUE(networks(text).contains(std::string_view("10.15.0.1")));
  Networks kept;
  EXPECT_FALSE(Networks::parse(text + ",10.16.0.0/16", kept).ok());
}

}  // namespace
}  // namespace leastwise
