// Agent: the parts put together, and their threads.
//
//   pick thread      Server → PickHandler → Backend::pick       never waits for anything
//        │ ring of tickets
//   learning thread  Learner: log lines, runtime API, time      see learner.h
//   admin threads    Admin: HTTP                                read counters and pools
//   this thread      signals; vouches for the others (systemd's watchdog)
#ifndef LEASTWISE_SPOE_AGENT_AGENT_H_
#define LEASTWISE_SPOE_AGENT_AGENT_H_

#include <string>

#include "config/file.h"

namespace leastwise::agent {

// Runs until SIGTERM or SIGINT; SIGHUP reads the file again. Returns the process' exit code.
// Throws std::runtime_error when it can not start.
int run_agent(const std::string& config_path, const AgentConfig& config);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_AGENT_H_
