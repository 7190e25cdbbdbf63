// Request: the head of a request for the page that a `server` of stream answers, by http-parser.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_REQUEST_H_
#define LEASTWISE_NGINX_MODULE_STREAM_REQUEST_H_

#include <http_parser.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace leastwise::nginx {

// Stays where it was made. What comes behind the head is not read.
class Request {
 public:
  enum class State { kMore, kComplete, kBroken, kTooLong };
  static constexpr std::size_t kMost = 16384;  // bytes

  Request() noexcept;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  State read(std::string_view part) noexcept;
  bool is_get() const noexcept { return parser_.method == HTTP_GET; }
  // What follows a "?"; empty when the target is longer than any that means something here.
  std::string_view query() const noexcept;

 private:
  static const http_parser_settings& callbacks() noexcept;
  static int on_url(http_parser* parser, const char* text, std::size_t size) noexcept;
  static int on_head(http_parser* parser) noexcept;

  http_parser parser_;
  std::array<char, 256> target_;
  std::size_t target_size_ = 0;
  std::size_t size_ = 0;  // of all
  bool is_complete_ = false;
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_REQUEST_H_
