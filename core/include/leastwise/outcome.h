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
  kClientGone,   // the client left first: no failure
  kCancelled,    // never reached the server (a stale kept connection, another server was used)
};
inline constexpr std::size_t kResults = 8;

// As shown in status pages and logs.
std::string_view name(Result result) noexcept;

// True when the endpoint is to blame.
constexpr bool is_failure(Result r) noexcept {
  return r >= Result::kServerError && r <= Result::kTimeout;
}

// What was answered, as far as answers of one route that differ in it say different things of a
// server's speed: to say 404 takes less than to make a page.
enum class AnswerKind : std::uint8_t {
  kFull,      // what was asked for; also what has no status
  kEmpty,     // 2xx without a body
  kRedirect,  // 3xx
  kRefusal,   // 4xx, and what gRPC says in its place
};
inline constexpr std::size_t kAnswerKinds = 4;

constexpr AnswerKind kind_of(std::uint16_t status, bool is_empty, bool is_refusal) noexcept {
  if (status / 100 == 3) return AnswerKind::kRedirect;
  if (status / 100 == 4 || is_refusal) return AnswerKind::kRefusal;
  return status / 100 == 2 && is_empty ? AnswerKind::kEmpty : AnswerKind::kFull;
}

inline constexpr Duration kUnknownDuration{-1};

struct Outcome {
  Result result = Result::kOk;
  std::uint16_t status = 0;  // HTTP status, 0 when there is none
  AnswerKind kind = AnswerKind::kFull;
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

  // The least round trip of the connection, as TCP measured it; zero for one that never leaves the
  // machine. A pool whose attempts say it now and then (one in 16 will do) takes it for the
  // distance of the endpoint, and else what the fastest answers took beyond the others'.
  Duration round_trip = kUnknownDuration;

  // How long it had its place, where that is longer than its answer occupied the server, as far
  // as is known: a stream, or a body that a client takes its time to send or to read.
  Duration kept = kUnknownDuration;

  // Of a model server that streams: until the first token came, from the pick. For who did not call
  // Picker::first_token() when it did.
  Duration first_token = kUnknownDuration;
  // What a model server says it read and wrote ("usage"); 0 = not said. `cached_tokens` counts if
  // `prompt_tokens` is said.
  std::uint32_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;

  std::uint64_t bytes_sent = 0;      // to the endpoint
  std::uint64_t bytes_received = 0;  // from it

  LoadReport report{};  // what the endpoint said of its load with the answer
};

}  // namespace leastwise

#endif  // LEASTWISE_OUTCOME_H_
