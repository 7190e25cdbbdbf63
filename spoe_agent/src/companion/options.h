// The command line of leastwise-companion. Its manual is printed from here.
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_OPTIONS_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>

namespace leastwise::companion {

struct Options {
  std::string config = "/etc/leastwise/companion.conf";
  std::string account = "leastwise-companion";
  bool check = false;
  bool rbac = false;
};

// `out` outlives `app`.
void add_options(CLI::App& app, Options& out);

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_OPTIONS_H_
