// The command line of leastwise-spoa. Its manual is printed from here.
#ifndef LEASTWISE_SPOE_AGENT_OPTIONS_H_
#define LEASTWISE_SPOE_AGENT_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace leastwise::agent {

struct Options {
  std::string config = "/etc/leastwise/leastwise.conf";
  std::string generate;
  std::vector<std::string> servers;
  std::vector<std::string> backends;
  std::string mode;  // empty: as the configuration file has it
  std::vector<std::string> haproxy_files;
  std::string haproxy_version;
  bool adopt = false;
  bool check = false;
  bool tcp = false;
};

// `out` outlives `app`.
void add_options(CLI::App& app, Options& out);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_OPTIONS_H_
