// What to paste into a haproxy.cfg so that Leastwise picks the servers, and nothing else changes.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_H_

#include <optional>
#include <string>
#include <vector>

#include "config/file.h"
#include "haproxy/haproxy_file.h"
#include "haproxy/haproxy_version.h"

namespace leastwise::agent {

struct AdoptionRequest {
  std::vector<std::string> backends;  // empty: all with two servers or more
  std::string haproxy_file = "/etc/haproxy/haproxy.cfg";
  std::string spoe_file = "/etc/haproxy/leastwise.spoe.conf";
  std::string spoe_text;  // what is in that file now
  std::string agent_file = "/etc/leastwise/leastwise.conf";
  HaproxyVersion version;
  const AgentConfig* agent = nullptr;  // the agent's present configuration, if it has one
  // Of these backends; by default what the agent's configuration says of each, or else picks.
  std::optional<Mode> mode;
};

// Text in parts, each under a line "#### FILE: what to do with it". Lines under the head of a
// section go to its end; one under "# instead of: OLD" takes the place of OLD. What is there
// already, from an earlier time, is not printed again. Pure. Throws
// std::runtime_error when a backend is not in the file.
std::string adoption(const std::vector<HaproxySection>& file, const AdoptionRequest& request);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_H_
