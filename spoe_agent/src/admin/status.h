// What the agent shows of itself and of its pools, part by part: thousands of servers are
// megabytes. All parts tell of the same instant. Nothing here makes a pick wait.
#ifndef LEASTWISE_SPOE_AGENT_ADMIN_STATUS_H_
#define LEASTWISE_SPOE_AGENT_ADMIN_STATUS_H_

#include <functional>
#include <memory>
#include <string>

#include "balance/learner.h"
#include "balance/registry.h"
#include "leastwise/text.h"
#include "serve/counters.h"
#include "serve/http.h"

namespace leastwise::agent {

struct StatusSources {
  const Registry& registry;
  const Learner& learner;
  const PickCounters& picks;
  const FeedbackCounters& feedback;
  const ShareCounters* share = nullptr;        // none without `share`,
  std::function<std::string()> share_error{};  // the same; what keeps it from sharing, or ""
};

// The document of leastwise::StatusPage as JSON with one more member:
//   "agent":{"haproxy":{"configured","stale","age_ms","error"},"picks":{…},"feedback":{…}}
std::unique_ptr<Parts> status_json(const StatusSources& sources, TimePoint now);

// The text of leastwise::StatusPage as metrics, and leastwise_agent_* for the agent.
std::unique_ptr<Parts> status_prometheus(const StatusSources& sources, TimePoint now);

// The agent's part of docs/metrics.md: a table.
void render_agent_metrics(Text& out);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_ADMIN_STATUS_H_
