#include "haproxy/stats_socket.h"

#include <algorithm>
#include <array>

#include "config/address.h"

namespace leastwise::agent {
namespace {

constexpr std::string_view kOldRun = "/var/run/";  // a link to /run since Debian 7

// Where a family is named it stands before the address. "unix:" is what nginx and we say.
std::string_view without_family(std::string_view word) noexcept {
  for (const std::string_view family : {"unix@", "unix:", "ipv4@", "ipv6@"}) {
    if (word.starts_with(family)) return word.substr(family.size());
  }
  return word;
}

bool is_same(std::string_view a, std::string_view b) noexcept {
  constexpr std::size_t kVar = 4;
  if (a.starts_with(kOldRun)) a.remove_prefix(kVar);
  if (b.starts_with(kOldRun)) b.remove_prefix(kVar);
  return a == b;
}

// The word behind `level`; words.end() when none is said.
auto level_of(const HaproxyLine& line) noexcept {
  const auto found = std::ranges::find(line.words, "level");
  return found == line.words.end() ? found : found + 1;
}

}  // namespace

bool StatsSocket::is_admin() const noexcept {
  if (line == nullptr) return false;
  const auto level = level_of(*line);
  return level != line->words.end() && *level == "admin";
}

std::string StatsSocket::admin_line() const {
  const auto level = level_of(*line);
  if (level == line->words.end()) return line->text + " level admin";
  std::string text = line->text;
  const std::size_t at = text.rfind("level ");
  const std::size_t begin = text.find(*level, at);
  return at == text.npos || begin == text.npos ? text : text.replace(begin, level->size(), "admin");
}

std::string stats_socket_address(std::string_view word) {
  const std::string_view plain = without_family(word);
  if (plain.starts_with('/')) return std::string(plain);
  const std::size_t colon = plain.rfind(':');
  if (colon == plain.npos) return {};
  std::string host(plain.substr(0, colon));
  if (host.empty() || host == "*" || host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::" || host == "[::]") host = "[::1]";
  if (host.find(':') != host.npos && host.front() != '[') host = '[' + host + ']';
  const std::string address = host + std::string(plain.substr(colon));
  Address parsed;
  return parse_address(address, false, parsed) ? address : std::string();
}

StatsSocket stats_socket(std::span<const HaproxyLine> global, std::string_view wanted) {
  StatsSocket best;
  for (const HaproxyLine& line : global) {
    if (!line.begins({"stats", "socket"})) continue;
    const StatsSocket socket{.address = stats_socket_address(line.word(2)), .line = &line};
    if (socket.address.empty()) continue;
    if (wanted.empty()) {
      if (best.line == nullptr || (socket.is_admin() && !best.is_admin())) best = socket;
    } else if (is_same(socket.address, stats_socket_address(wanted))) {
      best.line = &line;
    }
  }
  if (!wanted.empty()) best.address = stats_socket_address(wanted);
  return best;
}

}  // namespace leastwise::agent
