// What a probe found, in words for people.
#include <array>

#include "leastwise/probe.h"
#include "tune/duration.h"

namespace leastwise {
namespace {

struct Words {
  std::string_view name, text, advice;
};

constexpr std::string_view kLook = "see whether it runs and what its own log says";
constexpr std::string_view kTheUri = "see its own log, and whether the uri is the right one";

constexpr std::string_view kTheMetrics =
    "look with curl at what it exposes there, and at the names in \"leastwise_report\"";

constexpr std::array<Words, kProbeFaults> kWords{{
    {"passed", "passed", ""},
    {"refused", "connection refused", "see whether it runs and listens there"},
    {"unreachable", "no route to it", "see the network and its firewalls"},
    {"reset", "connection reset", kLook},
    {"connect", "no connection, error ", "see what this error of connect() means"},
    {"timeout", "timeout after ",
     "see whether it hangs or is overloaded; \"timeout=\" allows more"},
    {"closed", "connection closed before an answer", kLook},
    {"no_http", "an answer that is no HTTP/", "see whether port and \"tls\" are the right ones"},
    {"status", "status ", kTheUri},
    {"body", "a body without the text of \"body=\"", kTheUri},
    {"too_much", "more than 64 KiB without an end", kTheUri},
    {"tls", "TLS handshake failed", "see whether it speaks TLS there, and to this \"sni=\""},
    {"grpc_status", "grpc-status ", "see whether it has the health service grpc.health.v1"},
    {"not_serving", "grpc.health.v1 says ", kLook},
    {"no_metrics", "none of the figures that are asked for", kTheMetrics},
    {"bad_metrics", "a figure that is negative, infinite or no share", kTheMetrics},
    {"no_text", "neither Prometheus' text nor JSON", kTheMetrics},
}};

// Checked, since it comes from shared memory.
const Words& words_of(ProbeFault fault) noexcept {
  const auto i = static_cast<std::size_t>(fault);
  return kWords[i < kProbeFaults ? i : 0];
}

constexpr std::string_view kServing[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

}  // namespace

std::string_view name(ProbeFault fault) noexcept { return words_of(fault).name; }

std::string_view advice(const ProbeResult& result) noexcept {
  return words_of(result.fault).advice;
}

void describe(const ProbeResult& result, const ProbeSettings& settings, Text& out) noexcept {
  out << words_of(result.fault).text;
  switch (result.fault) {
    case ProbeFault::kTimeout:
      return print(settings.timeout, out);
    case ProbeFault::kNoHttp:
      out << (settings.kind == ProbeKind::kGrpc ? '2' : '1');
      return;
    case ProbeFault::kStatus:
      out << result.detail << ", accepted ";
      return settings.status.print(out);
    case ProbeFault::kConnect:
    case ProbeFault::kGrpcStatus:
      out << result.detail;
      return;
    case ProbeFault::kNotServing:
      out << kServing[result.detail < std::size(kServing) ? result.detail : 0];
      return;
    default:
      return;
  }
}

}  // namespace leastwise
