#include "config/token.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace leastwise::agent {
namespace {

namespace fs = std::filesystem;

const std::string kToken(kLeastToken, 'x');

class TokenTest : public testing::Test {
 protected:
  TokenTest() {
    std::string name = fs::temp_directory_path() / "leastwise-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    write(kToken);
  }
  ~TokenTest() override { fs::remove_all(folder_); }

  std::string path() const { return folder_ / "token"; }
  void write(const std::string& text, mode_t mode = 0640) const {
    std::ofstream(path()) << text;
    ::chmod(path().c_str(), mode);
  }
  static std::string refusal(const std::string& path) {
    try {
      read_token(path);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
};

TEST_F(TokenTest, IsOneLineOfItsFile) {
  EXPECT_EQ(read_token(path()), kToken);
  write(kToken + '\n');
  EXPECT_EQ(read_token(path()), kToken);
  const std::string longest(kMostToken, 'y');
  write(longest + '\n', 0400);
  EXPECT_EQ(read_token(path()), longest);
}

TEST_F(TokenTest, WhatIsNoneIsRefusedWithTheFile) {
  for (const std::string& text :
       {std::string(), kToken.substr(1), kToken + "\n\n", kToken + ' ', kToken + '\0',
        std::string(kMostToken + 1, 'z'), kToken + "\r\n", kToken + "\xc3\xa4"}) {
    write(text);
    EXPECT_NE(refusal(path()).find("token\": expected one line of 16 to 256 visible"),
              std::string::npos)
        << text;
  }
  write(kToken, 0644);
  EXPECT_NE(refusal(path()).find("chmod o="), std::string::npos);
  EXPECT_NE(refusal(folder_).find("expected a file"), std::string::npos);
  EXPECT_NE(refusal("/no/such").find("\"/no/such\": No such file"), std::string::npos);
}

TEST_F(TokenTest, IsComparedAsAWhole) {
  EXPECT_TRUE(is_token(kToken, kToken));
  for (const std::string& other :
       {std::string(), kToken.substr(1), kToken + 'x', kToken + '\0', 'y' + kToken.substr(1),
        kToken.substr(1) + 'y', std::string(kToken.size(), '\0')}) {
    EXPECT_FALSE(is_token(other, kToken)) << other;
  }
  EXPECT_FALSE(is_token("", "")) << "none is configured";
}

}  // namespace
}  // namespace leastwise::agent
