#include "config/token.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace leastwise::agent {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::runtime_error("control_token_file \"" + path + "\": " + why);
}

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

std::string read_token(const std::string& path) {
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "re"));
  struct stat info {};
  if (!file || ::fstat(::fileno(file.get()), &info) != 0) fail(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) fail(path, "expected a file");
  if ((info.st_mode & S_IRWXO) != 0) fail(path, "everybody may read it: chmod o= takes that away");
  std::array<char, kMostToken + 2> buffer{};
  const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), file.get());
  std::string_view token(buffer.data(), n);
  if (token.ends_with('\n')) token.remove_suffix(1);
  const bool is_visible = std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!is_visible || token.size() < kLeastToken || token.size() > kMostToken) {
    fail(path,
         "expected one line of 16 to 256 visible characters, such as of: openssl rand -hex 32");
  }
  return std::string(token);
}

bool is_token(std::string_view given, std::string_view token) noexcept {
  volatile unsigned char difference = given.size() != token.size() || token.empty() ? 1 : 0;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const char other = i < given.size() ? given[i] : '\0';
    difference = static_cast<unsigned char>(difference | (token[i] ^ other));
  }
  return difference == 0;
}

}  // namespace leastwise::agent
