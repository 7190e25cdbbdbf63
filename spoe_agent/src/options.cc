#include "options.h"

namespace leastwise::agent {

void add_options(CLI::App& app, Options& out) {
  app.add_option("-c,--config", out.config, "Configuration file; default: " + out.config)
      ->option_text("FILE");
  app.add_flag("--check-config", out.check, "Read the configuration file and exit");
  app.set_version_flag("--version", "leastwise-spoa " LEASTWISE_VERSION);
  auto* generate = app.add_option("--generate-spoe", out.generate,
                                  "Print an SPOE file that names the servers of a backend");
  generate->option_text("BACKEND");
  app.add_option("--servers", out.servers, "Its servers; default: ask HAProxy")
      ->delimiter(',')
      ->needs(generate)
      ->option_text("s1,s2");
  app.add_flag("--tcp", out.tcp, "The backend is of mode tcp (with --servers)")->needs(generate);
  auto* adopt = app.add_flag("--haproxy-config", out.adopt,
                             "Print what to paste into HAProxy's configuration");
  app.add_option("BACKEND", out.backends, "Its backends; default: all with two servers")
      ->needs(adopt);
  app.add_option("--mode", out.mode, "Theirs; default: what the file says of each, or else pick")
      ->needs(adopt)
      ->check(CLI::IsMember({"pick", "weights"}))
      ->option_text("pick|weights");
  app.add_option("--haproxy-cfg", out.haproxy_files,
                 "The configuration; default: that of the HAProxy that runs")
      ->needs(adopt)
      ->option_text("FILE")
      ->allow_extra_args(false);
  app.add_option("--haproxy-version", out.haproxy_version,
                 "Of that HAProxy; default: that of the installed one")
      ->needs(adopt)
      ->option_text("2.6");
}

}  // namespace leastwise::agent
