// The file by which kubectl finds its cluster:
// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "discovery/kubernetes/access.h"

namespace leastwise::discovery::kubernetes {
namespace {

std::string text_in(const YAML::Node& node, const char* key) {
  const YAML::Node value = node && node.IsMap() ? node[key] : YAML::Node();
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

// The entry of that name in a list of {name, KIND: {…}}.
YAML::Node entry(const YAML::Node& root, const char* list, const char* kind,
                 const std::string& name) {
  for (const YAML::Node& item : root[list]) {
    if (text_in(item, "name") == name && item[kind]) return item[kind];
  }
  throw std::runtime_error(std::string("it has no entry \"") + name + "\" in " + list);
}

std::string decoded(const std::string& base64) {
  const std::vector<unsigned char> bytes = YAML::DecodeBase64(base64);
  return {bytes.begin(), bytes.end()};
}

class Reader {
 public:
  explicit Reader(const std::string& path)
      : folder_(std::filesystem::path(path).parent_path()), root_(YAML::LoadFile(path)) {}

  Access read() {
    const std::string current = text_in(root_, "current-context");
    if (current.empty()) throw std::runtime_error("it has no current-context");
    const YAML::Node context = entry(root_, "contexts", "context", current);
    Access access;
    access.namespace_ = text_in(context, "namespace");
    if (access.namespace_.empty()) access.namespace_ = "default";
    read_cluster(entry(root_, "clusters", "cluster", text_in(context, "cluster")), access);
    read_user(entry(root_, "users", "user", text_in(context, "user")), access);
    return access;
  }

 private:
  std::string path_in(const YAML::Node& node, const char* key) const {
    const std::string path = text_in(node, key);
    return path.empty() ? path : (folder_ / path).string();
  }

  void read_cluster(const YAML::Node& cluster, Access& out) const {
    out.server = text_in(cluster, "server");
    while (out.server.ends_with('/')) out.server.pop_back();
    if (!out.server.starts_with("https://") && !out.server.starts_with("http://")) {
      throw std::runtime_error("server: expected https://HOST:PORT");
    }
    out.tls.ca_file = path_in(cluster, "certificate-authority");
    out.tls.ca_text = decoded(text_in(cluster, "certificate-authority-data"));
    out.tls.is_verified = text_in(cluster, "insecure-skip-tls-verify") != "true";
  }

  void read_user(const YAML::Node& user, Access& out) const {
    for (const char* other : {"exec", "auth-provider", "username"}) {
      if (user.IsMap() && user[other]) {
        throw std::runtime_error(std::string("users: ") + other +
                                 " is not supported; expected a token or a client certificate");
      }
    }
    out.token = text_in(user, "token");
    out.token_file = path_in(user, "tokenFile");
    out.tls.certificate_file = path_in(user, "client-certificate");
    out.tls.key_file = path_in(user, "client-key");
    out.tls.certificate_text = decoded(text_in(user, "client-certificate-data"));
    out.tls.key_text = decoded(text_in(user, "client-key-data"));
  }

  std::filesystem::path folder_;
  YAML::Node root_;
};

}  // namespace

Access access_of_kubeconfig(const std::string& path) {
  if (!std::ifstream(path)) throw std::runtime_error(path + ": " + std::strerror(errno));
  try {
    return Reader(path).read();
  } catch (const YAML::Exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

}  // namespace leastwise::discovery::kubernetes
