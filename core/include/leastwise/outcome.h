// Outcome: how one attempt on one endpoint ended.
#ifndef LEASTWISE_OUTCOME_H_
#define LEASTWISE_OUTCOME_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "leastwise/clock.h"
#include "leastwise/load_report.h"

namespace leastwise {

enum class Result : std::uint8_t {
  kOk,           // a complete answer, whatever its meaning (404 is an answer)
  kServerError,  // a complete answer that says the server failed: 5xx
  kRefused,      // no connection: refused, unreachable, connect timeout
  kReset,        // closed before the answer began, or an answer that can not be read
  kTruncated,    // closed before the answer was complete
  kTimeout,      // no answer, or no more of it, in time
  kClientGone,   // the client left first: says nothing of the server
  kCancelled,    // never reached the server (a stale kept connection, another server was used)
};
inline constexpr std::size_t kResults = 8;

// As shown in status pages and logs.
std::string_view name(Result result) noexcept;

// True when the endpoint is to blame.
constexpr bool is_failure(Result r) noexcept {
  return r >= Result::kServerError && r <= Result::kTimeout;
}

inline constexpr Duration kUnknownDuration{-1};

struct Outcome {
  Result result = Result::kOk;
  std::uint16_t status = 0;  // HTTP status, 0 when there is none
  // Whether a failure counts towards max_fails. All failures are learned from, but the
  // front end's configuration says which of them may take a server out.
  bool counts_as_fail = true;

  // Durations are from the pick; kUnknownDuration when not measured.
  Duration connect = kUnknownDuration;     // of a fresh connection only
  Duration first_byte = kUnknownDuration;  // until the answer began
  // The time for which the request occupied the server, the span in which it counts
  // as in flight: what the adaptive policy learns from. To the end of the answer
  // where the proxy buffers it, to the first byte where its length belongs to the
  // client. For kTimeout: the time waited.
  Duration occupied = kUnknownDuration;

  // How long it had its place, where that is longer than its answer occupied the server, as far
  // as is known: a stream, or a body that a client takes its time to send or to read.
  Duration kept = kUnknownDuration;

  std::uint64_t bytes_sent = 0;      // to the endpoint
  std::uint64_t bytes_received = 0;  // from it

  LoadReport report{};  // what the endpoint said of its load with the answer
};

}  // namespace leastwise

#endif  // LEASTWISE_OUTCOME_H_
