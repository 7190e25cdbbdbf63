#include <signal.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "bench/backends/models/farm.h"
#include "bench/common/poller.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

constexpr int kRefused = 2;

int parse_and_run(int argc, char** argv) {
  ModelOptions options;
  bool dies_with_parent = false;
  CLI::App app("Emulates servers of a language model, as vLLM, in one process", "leastwise-models");
  app.add_option("--port", options.port, "of the first server; the others follow")
      ->required()
      ->check(CLI::Range(1, 65000));
  app.add_option("--servers", options.servers, "how many; 1")->check(CLI::Range(1, 256));
  app.add_option("--cache-tokens", options.cache_tokens, "of each prefix cache; 150000")
      ->check(CLI::Range(1000, 10'000'000));
  app.add_option("--slow-servers", options.slow_servers, "the first so many are slow; 0");
  app.add_option("--slow", options.slow, "times as long as the others; 1")
      ->check(CLI::Range(0.1, 100.0));
  app.add_flag("--die-with-parent", dies_with_parent, "end when the parent process ends");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kRefused;
  }
  prepare_process();
  if (dies_with_parent) prctl(PR_SET_PDEATHSIG, std::size_t{SIGKILL});
  ModelFarm farm(options);
  std::cout << "ready" << std::endl;  // at once: scripts wait for it
  farm.run();
  return 0;
}

}  // namespace
}  // namespace leastwise::bench

int main(int argc, char** argv) {
  try {
    return leastwise::bench::parse_and_run(argc, argv);
  } catch (const leastwise::bench::UsageError& error) {
    std::cerr << "leastwise-models: " << error.what() << "\n";
    return leastwise::bench::kRefused;
  } catch (const std::exception& error) {
    std::cerr << "leastwise-models: " << error.what() << "\n";
    return 1;
  }
}
