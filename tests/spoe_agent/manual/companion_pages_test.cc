// The manual pages leastwise-companion(8) and leastwise-companion.conf(5), and
// docs/reference_companion.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "companion/file.h"
#include "companion/options.h"
#include "spoe_agent/manual/entry.h"
#include "spoe_agent/manual/roff.h"

namespace leastwise::companion {
namespace {

using agent::page_head;
using agent::paragraph;
using agent::term;
using agent::to_roff;

// Written anew with LEASTWISE_UPDATE_DOCS=1.
void expect_printed(const std::string& path, const std::string& page) {
  if (std::getenv("LEASTWISE_UPDATE_DOCS") != nullptr) std::ofstream(path) << page;
  std::ifstream file(path);
  std::stringstream found;
  found << file.rdbuf();
  EXPECT_EQ(found.str(), page);
}

std::string command_page() {
  Options options;
  CLI::App app;
  add_options(app, options);
  std::string out = page_head("LEASTWISE-COMPANION", "8", "tells proxies which servers there are");
  out +=
      ".SH SYNOPSIS\n.B leastwise\\-companion\n[\\fB\\-c\\fR \\fIFILE\\fR] "
      "[\\fB\\-\\-check\\-config\\fR]\n"
      ".br\n.B leastwise\\-companion \\-\\-rbac\n"
      "[\\fB\\-\\-service\\-account\\fR \\fI[NAMESPACE/]NAME\\fR]\n";
  out += ".SH DESCRIPTION\n" +
         to_roff(
             "It watches where servers come and go, and adds, drains and removes them in the proxy "
             "while that runs. It runs in the foreground, and logs to standard error.") +
         '\n';
  out += paragraph(
      "Requests do not depend on it: without it the proxy goes on with the servers that it has. A "
      "source that does not answer takes nobody out; one that says that there is nobody does.");
  out += ".SH OPTIONS\n";
  for (const CLI::Option* o : app.get_options()) out += agent::option_text(*o);
  out +=
      ".SH SIGNALS\n" + term("SIGHUP", "") +
      to_roff(
          "The file is read again, and the kubeconfig with it. Of one with a mistake the old one "
          "stays. `status`, `share`, `share_tls_…` and `share_count` need a restart.") +
      '\n' + term("SIGTERM, SIGINT", "") +
      to_roff("The process ends, and the proxy keeps its servers.") + '\n';
  out += ".SH ENVIRONMENT\n" + term("KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT", "") +
         "Where the API server is, as each pod has it.\n" + term("HTTPS_PROXY, NO_PROXY", "") +
         "As libcurl has them, for the API server.\n" + term("NOTIFY_SOCKET, WATCHDOG_USEC", "") +
         "As sd_notify(3) has it: READY, STOPPING, STATUS, and WATCHDOG.\n";
  out +=
      ".SH EXIT STATUS\n0 after SIGTERM or SIGINT; otherwise something was wrong with the command "
      "line, the configuration, or the credentials, and is said on standard error.\n";
  out += ".SH FILES\n" + term("/etc/leastwise/companion.conf", "") +
         "The configuration; see leastwise\\-companion.conf(5).\n" +
         term("/var/run/secrets/kubernetes.io/serviceaccount/", "") +
         to_roff("The credentials of a pod. The token is read for each request.") + '\n';
  return out + ".SH SEE ALSO\n.BR leastwise\\-companion.conf (5),\n.BR nginx (8)\n";
}

std::string configuration_page() {
  std::string out =
      page_head("LEASTWISE-COMPANION.CONF", "5", "configuration of leastwise-companion");
  out += ".SH DESCRIPTION\n" +
         to_roff(
             "The file has directives as nginx has them: a name, values, and `;`. What follows "
             "`#` is a comment. A mistake is named with its line and what is accepted.") +
         '\n';
  out += ".SH DIRECTIVES\n";
  for (const CompanionSetting& s : companion_settings()) {
    out += term(std::string(s.name), s.syntax, ";") + to_roff(s.help) + '\n';
  }
  out +=
      ".SH POOLS\nAt least one is there, or \\fBshare\\fR. Each has one\n.B discover\nand nothing "
      "else.\n";
  for (const KindWords& k : pool_kinds()) {
    out += term(std::string(k.name), "NAME", " { discover ...; }") + to_roff(k.help) + '\n';
  }
  out += ".SH SOURCES\n";
  for (const SourceWords& s : source_words()) {
    out += term("discover " + std::string(s.name), s.syntax, ";") + to_roff(s.help) + '\n';
  }
  out +=
      ".SH EXAMPLES\n.nf\nnginx_socket /run/nginx/control.sock;\n"
      "upstream app { discover kubernetes shop/web:http; }\n.fi\n.PP\nand in nginx.conf:\n"
      ".PP\n.nf\nupstream app { leastwise; leastwise_slots 256; server 127.0.0.1:1 down; }\n"
      "server { listen unix:/run/nginx/control.sock; access_log off; location / { "
      "leastwise_control; } }\n.fi\n";
  return out + ".SH SEE ALSO\n.BR leastwise\\-companion (8)\n";
}

constexpr std::string_view kNew[] = {"share", "share_count", "share_tls_ca_cert_file",
                                     "share_tls_cert_file", "share_tls_key_file"};

std::string reference_page() {
  std::string out =
      "# Settings of the companion\n\nPrinted from the tables in "
      "`spoe_agent/src/companion/settings.cc`; a test compares. The file is "
      "`/etc/leastwise/companion.conf`.\n`leastwise-companion --check-config` checks it. What it "
      "does is in [Kubernetes and DNS](kubernetes.md), the command line\nin "
      "[leastwise-companion(8)](man/leastwise-companion.8).\n";
  for (const CompanionSetting& s : companion_settings()) {
    const bool is_new = std::ranges::find(kNew, s.name) != std::end(kNew);
    out += agent::entry_of_help(s.name, s.syntax, "main", s.help, is_new);
  }
  for (const KindWords& k : pool_kinds()) {
    const std::string name(k.name);
    out += agent::entry(name, name + " NAME { discover …; }", "—", "main", k.help);
  }
  for (const SourceWords& s : source_words()) {
    out += agent::entry_of_help("discover " + std::string(s.name), s.syntax,
                                "upstream, stream, backend", s.help);
  }
  return out;
}

TEST(CompanionsManual, IsWhatTheTablesSay) {
  expect_printed(LEASTWISE_DOCS "/man/leastwise-companion.8", command_page());
  expect_printed(LEASTWISE_DOCS "/man/leastwise-companion.conf.5", configuration_page());
  expect_printed(LEASTWISE_DOCS "/reference_companion.md", reference_page());
}

}  // namespace
}  // namespace leastwise::companion
