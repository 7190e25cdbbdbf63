#include "spoe_agent/manual/pages.h"

#include <array>
#include <span>

#include "config/file.h"
#include "leastwise/config.h"
#include "leastwise/text.h"
#include "options.h"
#include "spoe_agent/manual/roff.h"

namespace leastwise::agent {
namespace {

std::string accepted_by(const Directive& directive) {
  std::array<char, 256> buffer;
  Text what(buffer);
  accepted(directive, what);
  return std::string(what.view());
}

constexpr std::string_view kAsked =
    "It is asked by HAProxy, over SPOP, which server shall have a request, and learns from "
    "HAProxy's "
    "log lines how that ended; or it steers HAProxy's own weights (`mode weights`), and is not "
    "asked. "
    "It runs in the foreground, and logs to standard error.";

}  // namespace

std::string command_page() {
  Options options;
  CLI::App app;
  add_options(app, options);
  std::string out =
      page_head("LEASTWISE-SPOA", "8", "learning load balancer for HAProxy, an SPOE agent");
  out +=
      ".SH SYNOPSIS\n.B leastwise\\-spoa\n[\\fB\\-c\\fR \\fIFILE\\fR] "
      "[\\fB\\-\\-check\\-config\\fR]\n"
      ".br\n.B leastwise\\-spoa \\-\\-haproxy\\-config\n"
      "[\\fIBACKEND\\fR...] [\\fB\\-\\-mode\\fR \\fIpick|weights\\fR] [\\fB\\-\\-haproxy\\-cfg\\fR "
      "\\fIFILE\\fR] "
      "[\\fB\\-\\-haproxy\\-version\\fR \\fI2.6\\fR]\n"
      ".br\n.B leastwise\\-spoa \\-\\-generate\\-spoe\n"
      "\\fIBACKEND\\fR [\\fB\\-\\-servers\\fR \\fIs1,s2\\fR [\\fB\\-\\-tcp\\fR]]\n";
  out += ".SH DESCRIPTION\n" + to_roff(kAsked) + '\n';
  out += paragraph(
      "`--haproxy-config` reads the configuration of the HAProxy that runs and prints what to add, "
      "a "
      "few lines for each backend and frontend.");
  out += ".SH OPTIONS\n";
  for (const CLI::Option* o : app.get_options()) out += option_text(*o);
  out += ".SH SIGNALS\n" + term("SIGHUP", "") +
         to_roff(
             "The configuration is read again. Of one with a mistake the old one stays. `listen`, "
             "`feedback`, `status`, `agent_check`, `state`, `share`, `share_tls_…` and "
             "`share_count` need a "
             "restart.") +
         '\n' + term("SIGTERM, SIGINT", "") +
         to_roff(
             "What was asked is answered, HAProxy is told, weights are given back, and the "
             "process ends.") +
         '\n';
  out +=
      ".SH ENVIRONMENT\n" + term("NOTIFY_SOCKET, WATCHDOG_USEC", "") +
      to_roff(
          "As sd_notify(3) and sd_watchdog_enabled(3) have it: READY, RELOADING, STOPPING, STATUS, "
          "and WATCHDOG while each serving thread makes its rounds.") +
      '\n' + term("LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES", "") +
      to_roff(
          "Sockets that are passed, as sd_listen_fds(3) has it, by the name `listen`, "
          "`feedback`, `status` or `agent_check`, or by the address of that directive.") +
      '\n';
  out +=
      ".SH EXIT STATUS\n0 after SIGTERM or SIGINT; otherwise something was wrong with the command "
      "line, the configuration, or a socket, and is said on standard error.\n";
  out += ".SH FILES\n" + term("/etc/leastwise/leastwise.conf", "") +
         "The configuration; see leastwise.conf(5).\n" + term("/var/lib/leastwise/", "") +
         to_roff("What was learned, where `state` says so.") + '\n';
  return out + ".SH SEE ALSO\n.BR leastwise.conf (5),\n.BR haproxy (1)\n";
}

std::string configuration_page() {
  std::string out = page_head("LEASTWISE.CONF", "5", "configuration of leastwise-spoa");
  out +=
      ".SH DESCRIPTION\n" +
      to_roff(
          "The file has directives as nginx has them: a name, values, and `;`. What follows `#` is "
          "a comment. A value in quotes may hold anything. A mistake is named with "
          "its line and what is accepted; `leastwise-spoa --check-config` looks for them.") +
      '\n';
  out += ".SH DIRECTIVES\n";
  for (const AgentSetting& s : agent_settings()) {
    out += term(std::string(s.name), s.syntax, ";") + to_roff(s.help) + '\n';
  }
  out += term("backend", "NAME", " { ... }") +
         to_roff("A backend of HAProxy, by its name. At least one is there. Its directives:") +
         '\n';
  out += ".SH DIRECTIVES OF A BACKEND\n" + term("mode", "pick | weights", ";") +
         to_roff(
             "Whether HAProxy asks for each request, or is told weights and asks nothing. Default: "
             "`pick`.") +
         '\n';
  for (const Directive& d : directives()) {
    if (d.scope != Scope::kBoth) continue;
    out += term(std::string(d.name), d.agent_syntax.empty() ? d.syntax : d.agent_syntax, ";") +
           to_roff(d.help) + "\n.br\nAccepted: " + to_roff(accepted_by(d)) +
           ". Default: " + to_roff(d.standard) + ".\n";
  }
  out +=
      ".SH EXAMPLES\nFor picks, with the lines that\n.B leastwise\\-spoa \\-\\-haproxy\\-config\n"
      "prints for haproxy.cfg:\n.PP\n.nf\n"
      "listen unix:/run/leastwise/spoa.sock;\nfeedback 127.0.0.1:9877;\n"
      "haproxy_socket /run/haproxy/admin.sock;\nstatus 127.0.0.1:9878;\n"
      "state /var/lib/leastwise/spoa.state;\nbackend app { policy adaptive; }\n.fi\n"
      ".PP\nFor weights, and nothing else in haproxy.cfg than a stats socket of level admin:\n"
      ".PP\n.nf\nhaproxy_socket /run/haproxy/admin.sock;\nbackend api { mode weights; }\n.fi\n";
  return out + ".SH SEE ALSO\n.BR leastwise\\-spoa (8),\n.BR haproxy (1)\n";
}

}  // namespace leastwise::agent
