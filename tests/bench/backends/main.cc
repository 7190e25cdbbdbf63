#include <signal.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "bench/backends/farm.h"
#include "bench/common/poller.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

constexpr int kRefused = 2;

struct Options {
  std::string config_file;
  std::uint16_t control_port = 0;
  bool dies_with_parent = false;
};

std::string read_all(const std::string& file) {
  std::ostringstream text;
  if (file == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  const std::ifstream stream(file);
  if (!stream) throw UsageError("can not read " + file);
  text << stream.rdbuf();
  return text.str();
}

void run(const Options& options) {
  prepare_process();
  if (options.dies_with_parent) prctl(PR_SET_PDEATHSIG, std::size_t{SIGKILL});
  const std::string source = options.config_file == "-" ? "stdin" : options.config_file;
  Config config = parse_config(read_all(options.config_file), source);
  if (options.control_port != 0) config.control_port = options.control_port;
  Farm farm(std::move(config));
  std::cout << "ready" << std::endl;  // at once: scripts wait for it
  farm.run();
}

int parse_and_run(int argc, char** argv) {
  Options options;
  CLI::App app("Emulates up to 4096 HTTP servers in one process", "leastwise-backends");
  app.add_option("config", options.config_file, "configuration, JSON; - is standard input")
      ->required();
  app.add_option("--control", options.control_port, "control port on 127.0.0.1");
  app.add_flag("--die-with-parent", options.dies_with_parent, "end when the parent process ends");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kRefused;
  }
  run(options);
  return 0;
}

}  // namespace
}  // namespace leastwise::bench

int main(int argc, char** argv) {
  try {
    return leastwise::bench::parse_and_run(argc, argv);
  } catch (const leastwise::bench::UsageError& error) {
    std::cerr << "leastwise-backends: " << error.what() << "\n";
    return leastwise::bench::kRefused;
  } catch (const std::exception& error) {
    std::cerr << "leastwise-backends: " << error.what() << "\n";
    return 1;
  }
}
