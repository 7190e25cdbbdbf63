// What a server does with a request instead of just answering it well: the grammar of "?do=" and
// of the key "do".
//
// "WORD" or "WORD:PARAMETERS", several joined by "+": "sleep:200+truncate". The action takes
// place when the service time is over; only `hang` keeps the request for ever.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_ACTION_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_ACTION_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "bench/common/time.h"

namespace leastwise::bench {

enum class Ending {
  kWell,
  kClose,            // close before answering
  kReset,            // reset before answering
  kTruncate,         // Content-Length promises more than is sent, then close
  kTruncateChunked,  // no last chunk, then close
  kDribble,          // the body in small pieces with pauses
  kGarbage,          // no status line
  kGarbageHeader,    // a status line, then a header that is none
  kStale,            // a good answer, then close without having said so
  kStream,           // events, one after the other; the slot is kept until the last
  kWebsocket,        // 101, then frames until the client leaves
  kHang              // no answer
};

struct Action {
  Ending ending = Ending::kWell;
  std::optional<int> status;
  std::optional<Duration> sleep;  // replaces the service time, whatever the server's speed
  std::optional<Duration> wait;   // the same, and takes no slot
  std::size_t dribble_bytes = 0;
  Duration pause{};  // between pieces, events or frames
  Duration shortest_stream{};
  Duration longest_stream{};
};

inline constexpr std::string_view kActionGrammar =
    "none, close, reset, truncate, truncate-chunked, dribble:BYTES:MS, garbage, garbage-header, "
    "stale, hang, status:200..599, sleep:MS, wait:MS, stream:LEAST_MS:MOST_MS, websocket:MS, "
    "or several joined by +";

std::optional<Action> parse_action(std::string_view text);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_ACTION_H_
