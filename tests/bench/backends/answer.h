// The bytes of an answer, good or bad, and what becomes of the connection after them.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_ANSWER_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_ANSWER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/backends/action.h"

namespace leastwise::bench {

enum class After {
  kKeepOpen,
  kClose,
  kReset,
  kMore,    // the answer goes on later
  kNothing  // it never will: wait for the client to leave
};

struct AnswerSpec {
  int status = 200;
  std::string_view server;
  std::string_view content_type = "text/plain";
  std::string load_report;  // empty: no such header
  std::size_t body_bytes = 0;
  std::string_view body;  // empty: `body_bytes` of filling
  bool keeps_alive = true;
  bool closes_silently = false;  // closes in spite of having promised to stay
  Ending ending = Ending::kWell;
};

struct Answer {
  std::string bytes;
  After after = After::kKeepOpen;
};

// A dribbled answer is its head with kMore; the caller sends filling(…) piece by piece. Likewise a
// stream is its head and first event, a websocket its head; the caller sends next_piece(…).
Answer render(const AnswerSpec& spec);

// The next event of a stream, or the next frame of a websocket.
std::string_view next_piece(Ending ending) noexcept;

// What completes a stream.
inline constexpr std::string_view kEndOfStream = "0\r\n\r\n";

// What follows the last byte of an answer with this specification.
After after_answer(const AnswerSpec& spec) noexcept;

// `size` bytes of body. REQUIRES: size <= 16 MiB.
std::string_view filling(std::size_t size);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_ANSWER_H_
