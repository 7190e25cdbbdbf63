#include "haproxy/running.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "serve/sockets.h"

namespace leastwise::agent {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

std::vector<std::string> arguments_of(pid_t pid) {
  std::vector<std::string> arguments(1);
  for (const char c : contents("/proc/" + std::to_string(pid) + "/cmdline")) {
    if (c == '\0') {
      arguments.emplace_back();
    } else {
      arguments.back() += c;
    }
  }
  return arguments;
}

}  // namespace

std::vector<std::string> files_of_running_haproxy(const Address& haproxy_socket) {
  const Fd fd = connect_to(haproxy_socket);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!fd || !haproxy_socket.is_unix() ||
      ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return {};
  }
  const std::vector<std::string> arguments = arguments_of(peer.pid);
  std::error_code error;
  const auto folder =
      std::filesystem::read_symlink("/proc/" + std::to_string(peer.pid) + "/cwd", error);
  std::vector<std::string> files;
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == "-f") files.push_back((folder / arguments[i + 1]).string());
  }
  return files;
}

HaproxyVersion installed_haproxy_version() {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      ::popen("PATH=$PATH:/usr/sbin:/usr/local/sbin haproxy -v 2>/dev/null", "r"), &::pclose);
  std::array<char, 256> line{};
  if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return {};
  return parse_haproxy_version(line.data());
}

std::string read_haproxy_file(const std::string& path) {
  std::string text = contents(path);
  if (!text.empty()) return text;
  const std::string why = errno == 0 ? "it is empty" : std::strerror(errno);
  throw std::runtime_error(path + ": " + why +
                           "; say which file HAProxy reads: --haproxy-cfg FILE");
}

}  // namespace leastwise::agent
