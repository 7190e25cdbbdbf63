#include "haproxy/adoption_agent.h"

#include <algorithm>

namespace leastwise::agent {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kSocket = "unix:/run/leastwise/spoa.sock";
constexpr std::string_view kPort = "127.0.0.1:9876";

constexpr const char* kAgentBackend = R"(
# Apart from your own defaults, which may not suit it. Keep these two at the very end.
defaults leastwise
    mode tcp
    timeout connect 100ms
    timeout server 60s

backend leastwise_agent from leastwise
MODE    option spop-check
    timeout check 50ms
    server agent AGENT check inter 200ms fall 2 rise 1
)";

// Without a slash at its end; empty when there is none.
std::string_view chroot_of(std::span<const HaproxyLine> global) noexcept {
  std::string_view folder;
  for (const HaproxyLine& line : global) {
    if (line.begins({"chroot"})) folder = line.word(1);
  }
  while (folder.ends_with('/')) folder.remove_suffix(1);
  return folder;
}

}  // namespace

MeetingPlace meeting_place(std::string_view listen, std::span<const HaproxyLine> global) {
  const std::string_view chroot = chroot_of(global);
  if (listen.empty()) listen = chroot.empty() ? kSocket : kPort;
  if (!listen.starts_with(kUnix)) return {std::string(listen), std::string(listen)};
  std::string_view path = listen.substr(kUnix.size());
  if (!chroot.empty()) {
    const bool is_below = path.starts_with(chroot) && path.substr(chroot.size()).starts_with('/');
    if (!is_below) return {std::string(kPort), std::string(kPort)};
    path.remove_prefix(chroot.size());
  }
  return {std::string(listen), "unix@" + std::string(path)};
}

std::string agent_backend(const MeetingPlace& place, HaproxyVersion version) {
  std::string text = kAgentBackend;
  text.replace(text.find("AGENT"), 5, place.server);
  text.replace(text.find("MODE"), 4, version.has_mode_spop() ? "    mode spop\n" : "");
  return text;
}

}  // namespace leastwise::agent
