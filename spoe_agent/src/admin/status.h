// What the agent shows of itself and of its pools. Pure but for reading counters.
#ifndef LEASTWISE_SPOE_AGENT_ADMIN_STATUS_H_
#define LEASTWISE_SPOE_AGENT_ADMIN_STATUS_H_

#include <string>

#include "balance/learner.h"
#include "balance/registry.h"
#include "serve/counters.h"

namespace leastwise::agent {

struct StatusSources {
  const Registry& registry;
  const Learner& learner;
  const PickCounters& picks;
  const FeedbackCounters& feedback;
};

// The document of leastwise::StatusPage as JSON with one more member:
//   "agent":{"haproxy":{"configured","stale","age_ms","error"},"picks":{…},"feedback":{…}}
std::string status_json(const StatusSources& sources, TimePoint now);

// The text of leastwise::StatusPage as metrics, and leastwise_agent_* for the agent.
std::string status_prometheus(const StatusSources& sources, TimePoint now);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_ADMIN_STATUS_H_
