#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent.h"
#include "config/file.h"
#include "haproxy/adopted.h"
#include "haproxy/adoption.h"
#include "haproxy/running.h"
#include "haproxy/spoe_config.h"
#include "options.h"

namespace leastwise::agent {
namespace {

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
  const SpoeEngine engine = spoe_engine_with_names(backend);
  std::fputs(spoe_config(std::span(&engine, 1)).c_str(), stdout);
  return 0;
}

std::optional<AgentConfig> present_config(const Options& options) {
  if (!std::filesystem::exists(options.config)) return {};
  return read_config_file(options.config);
}

// Empty where there is none.
std::string present_text(const std::string& path) {
  const bool has_some = std::filesystem::exists(path) && std::filesystem::file_size(path) > 0;
  return has_some ? read_haproxy_file(path) : std::string();
}

// The files that were given, or else those of the HAProxy that runs, or else the usual one.
std::vector<std::string> haproxy_files(const Options& options, const AgentConfig* agent) {
  if (!options.haproxy_files.empty()) return options.haproxy_files;
  std::vector<std::string> files;
  if (agent != nullptr && agent->haproxy_socket) {
    files = files_of_running_haproxy(*agent->haproxy_socket);
  }
  return files.empty() ? std::vector{AdoptionRequest{}.haproxy_file} : files;
}

int adopt(const Options& options) {
  const std::optional<AgentConfig> agent = present_config(options);
  const std::vector<std::string> files = haproxy_files(options, agent ? &*agent : nullptr);
  std::string text;
  for (const std::string& file : files) text += read_haproxy_file(file) + '\n';
  const std::vector<HaproxySection> sections = parse_haproxy_file(text);
  AdoptionRequest request;
  request.backends = options.backends;
  request.haproxy_file = files.back();
  request.spoe_file = spoe_file_in(sections);
  if (request.spoe_file.empty()) {
    const auto path = std::filesystem::absolute(files.back()).lexically_normal();
    request.spoe_file = path.parent_path() / "leastwise.spoe.conf";
  }
  request.spoe_text = present_text(request.spoe_file);
  request.agent_file = options.config;
  request.agent = agent ? &*agent : nullptr;
  if (!options.mode.empty()) {
    request.mode = options.mode == "weights" ? Mode::kWeights : Mode::kPick;
  }
  request.version = options.haproxy_version.empty()
                        ? installed_haproxy_version()
                        : parse_haproxy_version(options.haproxy_version);
  std::fputs(adoption(sections, request).c_str(), stdout);
  return 0;
}

int run(const Options& options) {
  if (options.adopt) return adopt(options);
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
  leastwise::agent::add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return leastwise::agent::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
