// Writes the SPOE configuration that HAProxy reads.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_SPOE_CONFIG_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_SPOE_CONFIG_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "config/address.h"
#include "haproxy/runtime_api.h"

namespace leastwise::agent {

// One part of an SPOE file: `filter spoe engine NAME config FILE` of a backend goes by it.
struct SpoeEngine {
  std::string name;
  bool is_http = true;
  bool is_listen = false;  // of `listen` sections, where the events of a backend never come
  // ACLs in braces: when HAProxy is not to ask, because its own persistence has a server.
  std::vector<std::string> unless;
  // What else it says, such as counts by server. More than 255 arguments are too many.
  std::vector<std::string> args;
  // Of model servers: how many beginnings of the body are digested (PromptPoints); 0: none.
  std::size_t prompt_points = 0;

  friend bool operator==(const SpoeEngine&, const SpoeEngine&) = default;
};

// Those that do for all backends of their kind: they name no backend and no server.
SpoeEngine spoe_engine(bool is_http, bool is_listen);
// For backends of model servers.
SpoeEngine spoe_engine_of_models(std::size_t prompt_points, bool is_listen);

// The whole file. Throws std::runtime_error when a message has too many arguments.
std::string spoe_config(std::span<const SpoeEngine> engines);
// To go behind the engines that a file has.
std::string spoe_engines(std::span<const SpoeEngine> engines);

// An engine for this backend alone, which tells with each question how much HAProxy has in flight
// at each server, and in its queue where it has a limit. HAProxy does not start when one of the
// names is not in its configuration, and none can be deleted at run time.
SpoeEngine spoe_engine_with_names(const BackendInfo& backend);

// Asks HAProxy's runtime API, at most for three seconds. Throws std::runtime_error when it does
// not answer or has no such backend.
BackendInfo ask_for_backend(const Address& haproxy_socket, const std::string& name);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_SPOE_CONFIG_H_
