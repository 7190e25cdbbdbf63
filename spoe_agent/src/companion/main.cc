#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <set>
#include <stdexcept>
#include <string>

#include "companion/companion.h"
#include "companion/file.h"
#include "companion/options.h"

namespace leastwise::companion {
namespace {

using discovery::kubernetes::ServiceName;

// Of each namespace that a Service is in. One without is in the account's.
int print_rbac(const Options& options) {
  ServiceName account;
  if (!parse_service(options.account, account) || !account.port.text.empty()) {
    throw std::runtime_error("--service-account: expected [NAMESPACE/]NAME");
  }
  if (account.namespace_.empty()) account.namespace_ = "default";
  std::set<std::string> namespaces;
  for (const PoolConfig& pool : read_companion_file(options.config).pools) {
    const auto* service = std::get_if<ServiceName>(&pool.source);
    if (service == nullptr) continue;
    const std::string& own = service->namespace_;
    namespaces.insert(own.empty() ? account.namespace_ : own);
  }
  if (namespaces.empty()) throw std::runtime_error("nothing of it is discovered in Kubernetes");
  bool is_first = true;
  for (const std::string& n : namespaces) {
    if (!std::exchange(is_first, false)) std::puts("---");
    std::fputs(discovery::kubernetes::role_for(n, account.name, account.namespace_).c_str(),
               stdout);
  }
  return 0;
}

int run(const Options& options) {
  if (options.rbac) return print_rbac(options);
  const CompanionConfig config = read_companion_file(options.config);
  if (!options.check) return run_companion(options.config, config);
  std::printf("%s is fine\n", options.config.c_str());
  return 0;
}

}  // namespace
}  // namespace leastwise::companion

int main(int argc, char** argv) {
  leastwise::companion::Options options;
  CLI::App app("Leastwise: tells nginx and HAProxy which servers there are", "leastwise-companion");
  leastwise::companion::add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return leastwise::companion::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
