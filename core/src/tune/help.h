// What the manual says of the directives that take parameters.
#ifndef LEASTWISE_SRC_TUNE_HELP_H_
#define LEASTWISE_SRC_TUNE_HELP_H_

#include <string_view>

namespace leastwise {

inline constexpr std::string_view kProbeHelp =
    "Checks each server periodically, apart from requests. A server that fails gets no requests "
    "until it passes again. `http`: a request that has to be answered; `tcp`: a connection; "
    "`grpc`: `grpc.health.v1.Health/Check`. Parameters of all: `interval=2s`, shortened by up to "
    "`jitter=10%` at random; `timeout=1s`, at most the interval; `fails=3` in a row take the "
    "server out, `passes=2` bring it back; `port=` if it is not the server's own; `tls`, without "
    "verification of the certificate, and `sni=NAME`; `mandatory`: a server gets no requests "
    "before it has passed once, even when all fail. Of `http`: `uri=/`, `method=GET`, `host=` "
    "(the upstream's name), `status=200-399` or a list such as `200,301-308`, `body=TEXT` that "
    "the answer has to contain. Of `grpc`: `host=`, `service=`. At most 64 KiB of an answer are "
    "read. A server that returns does so with `slow_start`. When more than half of the servers "
    "fail, all are used, unless a backup passes. `tcp` does not notice a process that hangs. See "
    "operations.md.";

inline constexpr std::string_view kReportHelp =
    "Whether load reports of the servers are used. They come with answers, in the header "
    "`endpoint-load-metrics` of ORCA, as TEXT, JSON or BIN. METRIC names the figure that counts; "
    "`on` means application_utilization, or else cpu_utilization. A report makes a server look "
    "up to twice as expensive, and never cheaper than measured. nginx removes the header from "
    "the answer; HAProxy sends it to the agent in the log line. `scrape` (nginx only, `stream` "
    "as well): nginx asks each server periodically, apart from requests; the answer is "
    "Prometheus text or JSON, of which at most 64 KiB are read. The header is then ignored. "
    "Parameters as those of `probe`: `interval=1s` (100ms to 15s), `jitter=10%`, `timeout=1s`, "
    "`port=`, `host=`, `tls`, `sni=`. `preset=node_exporter`: CPU and memory of the machine, at "
    "port 9100 unless `port=` says otherwise; `preset=vllm`, `sglang` or `llamacpp`: waiting and "
    "running requests, and the use of the KV cache. METRIC is "
    "`[FIGURE=][1-][rate:|max:]NAME[{LABEL=VALUE,…}][/NUMBER | /NAME…]`, in quotes when it has "
    "braces; FIGURE is `load` (the default), `cpu`, `memory`, `waiting` or `running`; of several "
    "terms the largest counts. `load`, or else `cpu`, is the utilisation, 1 = full. Samples of "
    "one NAME are added up, with `max:` the largest is taken; `rate:` is the growth of a counter "
    "per second. For JSON, NAME is a path such as `a.b.0`. See operations.md.";

}  // namespace leastwise

#endif  // LEASTWISE_SRC_TUNE_HELP_H_
