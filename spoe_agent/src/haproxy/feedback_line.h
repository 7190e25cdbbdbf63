// One log line of HAProxy about a request that ended, as the example configuration writes it:
//
//   log 127.0.0.1:9877 format raw local0
//   log-format "leastwise id=%ID s=%s st=%ST Tw=%Tw Tc=%Tc Tr=%Tr Ta=%Ta tsc=%tsc B=%B U=%U rc=%rc"
//
// and at its end " report=%[var(txn.leastwise.report)] bin=%[var(txn.leastwise.bin)]", for backends
// with `report`, and " grpc=%[var(txn.leastwise.grpc)] len=%[var(txn.leastwise.len)]";
// of TCP:  "leastwise id=%ID s=%s Tw=%Tw Tc=%Tc Tt=%Tt ts=%ts B=%B U=%U rc=%rc"
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_FEEDBACK_LINE_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_FEEDBACK_LINE_H_

#include <cstdint>
#include <string_view>

#include "leastwise/failures.h"

namespace leastwise::agent {

struct FeedbackLine {
  std::string_view id;        // required; empty: HAProxy had none ("-")
  std::string_view server;    // required; empty: none was reached ("<NOSRV>", "-")
  char cause = 0, phase = 0;  // required: the first two letters of %tsc or %ts
  int status = 0;             // 0: none
  bool is_http = false;       // it has a field for a status, even if there was none
  bool redispatched = false;  // the "+" of %rc: the picked server could not be reached
  std::uint32_t retries = 0;
  // Milliseconds, -1: never came to that, or not in the line. Queue, connect, answer, all.
  std::int64_t queue = -1, connect = -1, answer = -1, total = -1;
  std::uint64_t bytes_received = 0;  // from the server, to the client
  std::uint64_t bytes_sent = 0;
  // Of the header grpc-status, kNoGrpcStatus when it had none. Trailers are never logged.
  std::int32_t grpc = kNoGrpcStatus;
  bool is_empty = false;    // its Content-Length was 0
  std::string_view report;  // base64 of the header endpoint-load-metrics; empty: it had none
  std::string_view bin;     // the same of endpoint-load-metrics-bin
};

enum class LineKind : std::uint8_t { kOurs, kForeign, kGarbled };

// Pure; views point into `line`. Fields come in any order, the last of a repeated one counts,
// unknown ones are ignored. kForeign: without the magic word "leastwise", such as the log lines of
// HAProxy's own SPOE. kGarbled: a required field is missing, a number is none or out of range.
LineKind parse_feedback_line(std::string_view line, FeedbackLine& out) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_FEEDBACK_LINE_H_
