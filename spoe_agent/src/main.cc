#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "agent.h"
#include "config/file.h"
#include "haproxy/spoe_config.h"

namespace leastwise::agent {
namespace {

constexpr const char* kDefaultConfig = "/etc/leastwise/leastwise.conf";

struct Options {
  std::string config = kDefaultConfig;
  std::string generate;
  std::vector<std::string> servers;
  bool check = false;
  bool tcp = false;
};

int generate(const Options& options) {
  BackendInfo backend{.name = options.generate, .is_http = !options.tcp, .servers = {}};
  if (options.servers.empty()) {
    const AgentConfig config = read_config_file(options.config);
    if (!config.haproxy_socket) {
      throw std::runtime_error(options.config + " has no haproxy_socket; give --servers s1,s2");
    }
    backend = ask_for_backend(*config.haproxy_socket, options.generate);
  }
  for (const std::string& name : options.servers) {
    backend.servers.push_back({.name = name, .address = {}, .settings = {}});
  }
  std::fputs(spoe_config(backend).c_str(), stdout);
  return 0;
}

int run(const Options& options) {
  if (!options.generate.empty()) return generate(options);
  const AgentConfig config = read_config_file(options.config);
  if (!options.check) return run_agent(options.config, config);
  std::printf("%s is fine\n", options.config.c_str());
  return 0;
}

}  // namespace
}  // namespace leastwise::agent

int main(int argc, char** argv) {
  leastwise::agent::Options options;
  CLI::App app("Leastwise: picks the server of each request for HAProxy", "leastwise-spoa");
  app.add_option("-c,--config", options.config, "Configuration file")->capture_default_str();
  app.add_flag("--check-config", options.check, "Read the configuration file and exit");
  app.set_version_flag("--version", "leastwise-spoa " LEASTWISE_VERSION);
  auto* generate = app.add_option("--generate-spoe", options.generate,
                                  "Print HAProxy's SPOE configuration for a backend");
  generate->option_text("BACKEND");
  app.add_option("--servers", options.servers, "Its servers; default: ask HAProxy")
      ->delimiter(',')
      ->needs(generate)
      ->option_text("s1,s2");
  app.add_flag("--tcp", options.tcp, "The backend is of mode tcp (with --servers)")
      ->needs(generate);
  CLI11_PARSE(app, argc, argv);
  try {
    return leastwise::agent::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
