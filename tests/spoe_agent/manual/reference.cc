// docs/reference_agent.md, in the form of nginx's own manual.
#include <string>
#include <string_view>

#include "config/file.h"
#include "haproxy/log_fields.h"
#include "spoe_agent/manual/entry.h"
#include "spoe_agent/manual/pages.h"

namespace leastwise::agent {
namespace {

constexpr std::string_view kHead =
    R"(# Settings of the agent

Printed from the tables in `spoe_agent/src/config/file.cc` and `spoe_agent/src/haproxy/log_fields.cc`; a test compares.
The file is `/etc/leastwise/leastwise.conf`. `leastwise-spoa --check-config` checks it, `systemctl reload leastwise-spoa`
applies it. The [directives of a backend](directives.md) are those of nginx without the prefix `leastwise_`.
The command line is in [leastwise-spoa(8)](man/leastwise-spoa.8).
)";

constexpr std::string_view kVariables = R"(
## Variables in HAProxy

| variable | set by | value |
|---|---|---|
| `txn.leastwise.srv` | the agent | name of the server to use |
| `txn.leastwise.srv2` | the agent | name of the second best, for when the first is down |
| `txn.leastwise.id` | `leastwise.spoe.conf` | the request's id, by which its log line is found |
| `txn.leastwise.more` | the line `http-response set-var-fmt` | what the log tells of the answer's headers |
| `txn.leastwise.err` | HAProxy | code of an error of the agent or on the way to it (`option set-on-error`) |

## Arguments of the SPOE message

| argument | value |
|---|---|
| `id` | the request's id |
| `backend` | name of the backend, as in `leastwise.conf` |
| `method`, `path` | what the [route](routes.md) is made of |
| `route` | the route itself; takes precedence over `method` and `path` |
| `key` | what `hash` and `affinity` keep together |
| `queue` | requests that wait for a server of the backend |
| `src` | the client's address, `request.client` in [scripts](lua.md) |
| `d0`, `d1` … | digests of the body's beginnings, of `policy inference`; the model, `cache_salt` and `max_tokens` in it are `model`, `salt` and `max` |
| `len`, `size` | bytes of the body that HAProxy has, and of all of it |

## Log fields

Keep your log format. Append the fields below, and add a second `log` line that sends to the agent's `feedback` address.
Do not use `option dontlog-normal`: without log lines the agent cannot learn. `leastwise-spoa --haproxy-config` prints both lines.
)";

constexpr std::string_view kFields = R"(
| field | value | required |
|---|---|---|
| `id=` | the request's id | yes |
| `s=` | the server that was used | yes |
| `tsc=`, `ts=` | termination state, in HTTP and in TCP | yes |
| `st=` | HTTP status | |
| `Tw=`, `Tc=`, `Tr=` | milliseconds in the queue, to connect, to the answer's headers | |
| `Ta=`, `Tt=` | milliseconds in total, in HTTP and in TCP | |
| `B=`, `U=` | bytes received from the server and sent to it | |
| `rc=` | retries; a `+` before it: another server was used | |
| `grpc=` | the header `grpc-status` | |
| `len=` | the header `Content-Length` | |
| `report=`, `bin=` | the headers `endpoint-load-metrics` and `endpoint-load-metrics-bin`, in base64 | |

Fields may come in any order. Unknown fields are ignored. Only the last `leastwise` block of a line is read.
)";

std::string entry(const AgentSetting& s) {
  const bool is_new = s.name.starts_with("share_tls_");
  return entry_of_help(s.name, s.syntax, "main", s.help, is_new);
}

}  // namespace

std::string reference_page() {
  std::string out(kHead);
  for (const AgentSetting& s : agent_settings()) out += entry(s);
  out += entry("backend", "backend NAME { … }", "—", "main",
               "A backend of HAProxy, by its name. There is at least one. It holds `mode` and the "
               "[directives](directives.md) of this backend.");
  out += entry("mode", "mode pick | weights;", "`mode pick;`", "backend",
               "`pick`: HAProxy asks the agent for each request. `weights`: the agent sets "
               "HAProxy's weights and is not asked. See [HAProxy: two modes](weights.md).");
  out += kVariables;
  out += "\nHTTP:\n\n```\n" + std::string(log_fields(true)) + "\n```\n\nTCP:\n\n```\n" +
         std::string(log_fields(false)) + "\n```\n";
  return out += kFields;
}

}  // namespace leastwise::agent
