#include "discovery/kubernetes/access.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace leastwise::discovery::kubernetes {
namespace {

constexpr std::size_t kMostToken = 64 * 1024;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": " + std::strerror(errno));
  std::ostringstream read;
  read << file.rdbuf();
  std::string text = std::move(read).str();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Access access_of_pod(const std::string& folder) {
  std::string host = variable("KUBERNETES_SERVICE_HOST");
  std::string port = variable("KUBERNETES_SERVICE_PORT");
  if (host.empty()) {
    throw std::runtime_error(
        "discover kubernetes: this is no pod (KUBERNETES_SERVICE_HOST is not set); outside of the "
        "cluster set \"kubeconfig /PATH;\"");
  }
  if (host.find(':') != host.npos) host = '[' + host + ']';
  if (port.empty()) port = "443";
  Access access{.server = "https://" + host + ':' + port, .token_file = folder + "/token"};
  access.namespace_ = read_file(folder + "/namespace");
  access.tls.ca_file = folder + "/ca.crt";
  read_file(access.token_file);  // so that a pod without a ServiceAccount says so at once
  return access;
}

std::string token_of(const Access& access, std::string& error) {
  if (access.token_file.empty()) return access.token;
  try {
    std::string token = read_file(access.token_file);
    if (token.size() > kMostToken || token.find_first_of("\r\n") != token.npos) {
      throw std::runtime_error(access.token_file + ": expected one line with a token");
    }
    return token;
  } catch (const std::runtime_error& e) {
    error = e.what();
    return {};
  }
}

}  // namespace leastwise::discovery::kubernetes
