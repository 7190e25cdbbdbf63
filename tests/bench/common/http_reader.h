// Reads HTTP/1.x messages of one direction, one at a time, and keeps what the tools need: target
// or status, one header, whether the connection may stay. Bodies are skipped, unless they are asked
// for.
//
// The parsing is http_parser's. Text views are valid until next_message(). Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_HTTP_READER_H_
#define LEASTWISE_TESTS_BENCH_COMMON_HTTP_READER_H_

#include <http_parser.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace leastwise::bench {

class HttpReader {
 public:
  enum class Kind { kRequest, kResponse };

  // `wanted` is the header to keep; it must outlive the reader.
  // A message with more than `most_body` bytes of body is broken; without it, bodies are skipped.
  HttpReader(Kind kind, std::string_view wanted, std::size_t most_body = 0) noexcept;

  // Takes bytes up to the end of the current message and returns how many.
  std::size_t feed(std::string_view bytes);

  // The peer will send no more: completes a response that is delimited by that.
  void end_of_stream();

  // Forgets the message that was completed. REQUIRES: is_complete().
  void next_message();

  bool is_complete() const noexcept { return is_complete_; }
  bool is_broken() const noexcept { return is_broken_; }
  bool has_begun() const noexcept { return has_begun_; }
  bool has_body() const noexcept { return has_body_; }  // its first byte, at least
  bool keeps_alive() const noexcept { return keeps_alive_; }

  std::string_view target() const noexcept { return target_; }
  int status() const noexcept { return static_cast<int>(parser_.status_code); }
  std::string_view wanted_value() const noexcept { return value_; }
  std::string_view body() const noexcept { return body_; }

 private:
  struct Callbacks;

  http_parser parser_{};
  std::string_view wanted_;
  std::size_t most_body_;
  std::string body_;
  std::string target_;
  std::string field_;
  std::string value_;
  bool in_value_ = false;
  bool is_wanted_ = false;
  bool has_begun_ = false;
  bool has_body_ = false;
  bool is_complete_ = false;
  bool is_broken_ = false;
  bool keeps_alive_ = false;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_HTTP_READER_H_
