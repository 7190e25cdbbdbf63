#include "companion/options.h"

namespace leastwise::companion {

void add_options(CLI::App& app, Options& out) {
  app.add_option("-c,--config", out.config, "Configuration file; default: " + out.config)
      ->option_text("FILE");
  app.add_flag("--check-config", out.check, "Read the configuration file and exit");
  auto* rbac = app.add_flag("--rbac", out.rbac,
                            "Print the least that the configuration needs to be allowed in "
                            "Kubernetes, for \"kubectl apply -f -\"");
  app.add_option("--service-account", out.account,
                 "Who is to be allowed it, with its namespace if that is not \"default\"; "
                 "default: " +
                     out.account)
      ->needs(rbac)
      ->option_text("[NAMESPACE/]NAME");
  app.set_version_flag("--version", "leastwise-companion " LEASTWISE_VERSION);
}

}  // namespace leastwise::companion
