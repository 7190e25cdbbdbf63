// Access: where the API server is, whom to trust there, and who we are.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_ACCESS_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_ACCESS_H_

#include <string>

#include "net/transfers.h"

namespace leastwise::discovery::kubernetes {

struct Access {
  std::string server;        // "https://10.0.0.1:443", without a path
  std::string namespace_{};  // what a Service without one is in
  std::string token{};
  std::string token_file{};  // instead: read for each request, since it is replaced every hour
  net::Tls tls{};

  bool operator==(const Access&) const = default;
};

// As a pod has it: KUBERNETES_SERVICE_HOST and _PORT, and the files of its ServiceAccount in
// `folder`. Throws std::runtime_error that says what is missing.
Access access_of_pod(const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

// The current context of that file. Throws std::runtime_error that names the file and what is
// wrong with it; also of what only kubectl can do (exec, auth-provider).
Access access_of_kubeconfig(const std::string& path);

// The token as it is now; empty, and why in `error`, when its file can not be read.
std::string token_of(const Access& access, std::string& error);

}  // namespace leastwise::discovery::kubernetes

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_ACCESS_H_
