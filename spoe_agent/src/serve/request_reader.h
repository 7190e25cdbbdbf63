// RequestReader: the head of one request, and its body where it is wanted. The parsing is
// http_parser's.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_REQUEST_READER_H_
#define LEASTWISE_SPOE_AGENT_SERVE_REQUEST_READER_H_

#include <http_parser.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "serve/http.h"

namespace leastwise::agent {

inline constexpr std::string_view kAuthorization = "authorization";
inline constexpr std::size_t kMostAuthorization = 1024;

inline bool is_same_name(std::string_view name, std::string_view lower) noexcept {
  return std::ranges::equal(name, lower, {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

class RequestReader {
 public:
  RequestReader() noexcept { start_over(); }

  void start_over() noexcept {
    http_parser_init(&parser_, HTTP_REQUEST);
    target_.clear();
    header_name_.clear();
    authorization_.clear();
    body_.clear();
    rest_ = {};
    size_ = 0;
    reads_body_ = has_body_ = is_body_too_large_ = false;
    is_complete_ = is_broken_ = is_too_long_ = is_last_ = false;
  }

  void feed(std::string_view bytes) {
    if (bytes.empty()) return;
    if (reads_body_) return feed_body(bytes);
    const std::string_view part = bytes.substr(0, HttpProtocol::kMostHead - size_);
    // To the parser nothing is the end of the input.
    if (part.empty()) {
      is_too_long_ = true;
      return;
    }
    parser_.data = this;
    const std::size_t taken = http_parser_execute(&parser_, &settings(), part.data(), part.size());
    size_ += part.size();
    if (HTTP_PARSER_ERRNO(&parser_) == HPE_CB_url) throw std::bad_alloc();
    if (is_complete_) {
      // It pauses at the last byte of the head.
      rest_ = bytes.substr(taken);
      is_last_ = is_last_ || taken + 1 < bytes.size();
    } else if (HTTP_PARSER_ERRNO(&parser_) == HPE_HEADER_OVERFLOW) {
      is_too_long_ = true;
    } else if (HTTP_PARSER_ERRNO(&parser_) != HPE_OK) {
      is_broken_ = true;
    } else {
      is_too_long_ = part.size() < bytes.size();
    }
  }

  // After the head, before feed() is called again.
  void read_body() {
    reads_body_ = true;
    http_parser_pause(&parser_, 0);
    feed_body(rest_);
  }
  bool reads_body() const noexcept { return reads_body_; }
  bool has_body() const noexcept { return has_body_; }  // all of it
  bool is_body_too_large() const noexcept { return is_body_too_large_; }

  std::string_view body() const noexcept { return body_; }
  std::string_view authorization() const noexcept { return authorization_; }
  std::string_view method() const noexcept {
    return http_method_str(static_cast<http_method>(parser_.method));
  }

  bool is_complete() const noexcept { return is_complete_; }
  bool is_too_long() const noexcept { return is_too_long_; }
  bool is_http1() const noexcept { return is_complete_ && parser_.http_major == 1; }
  // Else the end of the connection ends the answer.
  bool knows_chunks() const noexcept { return is_http1() && parser_.http_minor > 0; }
  bool is(http_method method) const noexcept { return is_complete_ && parser_.method == method; }
  bool is_broken() const noexcept { return is_broken_; }
  // The connection ends with its answer.
  bool is_last() const noexcept { return is_last_ || !knows_chunks() || !is(HTTP_GET); }

  // False when the target is no URL.
  bool read_target(std::string_view& path, std::string_view& query) const noexcept {
    http_parser_url url;
    http_parser_url_init(&url);
    if (http_parser_parse_url(target_.data(), target_.size(), 0, &url) != 0) return false;
    path = field(url, UF_PATH);
    if (path.empty()) path = "/";
    query = field(url, UF_QUERY);
    return true;
  }

 private:
  void feed_body(std::string_view bytes) {
    if (has_body_) return;
    http_parser_execute(&parser_, &settings(), bytes.data(), bytes.size());
    if (HTTP_PARSER_ERRNO(&parser_) == HPE_CB_body && !is_body_too_large_) throw std::bad_alloc();
    is_broken_ = !has_body_ && !is_body_too_large_ && HTTP_PARSER_ERRNO(&parser_) != HPE_OK;
  }

  std::string_view field(const http_parser_url& url, http_parser_url_fields which) const noexcept {
    if ((url.field_set & (1U << which)) == 0) return {};
    return std::string_view(target_).substr(url.field_data[which].off, url.field_data[which].len);
  }

  // An exception must not pass through the parser, which is C.
  static int append(std::string& to, const char* text, std::size_t size) noexcept {
    try {
      to.append(text, size);
      return 0;
    } catch (const std::exception&) {
      return 1;
    }
  }

  static int on_url(http_parser* parser, const char* text, std::size_t size) noexcept {
    return append(static_cast<RequestReader*>(parser->data)->target_, text, size);
  }

  // A name and its value may come in pieces.
  static int on_name(http_parser* parser, const char* text, std::size_t size) noexcept {
    auto& self = *static_cast<RequestReader*>(parser->data);
    if (self.is_complete_) return 0;  // behind a body
    if (std::exchange(self.is_in_value_, false)) self.header_name_.clear();
    return append(self.header_name_, text, size);
  }

  static int on_value(http_parser* parser, const char* text, std::size_t size) noexcept {
    auto& self = *static_cast<RequestReader*>(parser->data);
    if (self.is_complete_) return 0;
    self.is_in_value_ = true;
    if (!is_same_name(self.header_name_, kAuthorization)) return 0;
    const std::size_t room = kMostAuthorization - self.authorization_.size();
    return append(self.authorization_, text, std::min(size, room));
  }

  static int on_body(http_parser* parser, const char* text, std::size_t size) noexcept {
    auto& self = *static_cast<RequestReader*>(parser->data);
    self.is_body_too_large_ = size > HttpProtocol::kMostBody - self.body_.size();
    return self.is_body_too_large_ ? 1 : append(self.body_, text, size);
  }

  static int on_end(http_parser* parser) noexcept {
    static_cast<RequestReader*>(parser->data)->has_body_ = true;
    http_parser_pause(parser, 1);  // one request, and no more
    return 0;
  }

  static int on_head(http_parser* parser) noexcept {
    auto& self = *static_cast<RequestReader*>(parser->data);
    const bool has_length = parser->content_length != 0 && parser->content_length != ULLONG_MAX;
    const bool has_body = has_length || parser->uses_transfer_encoding != 0;
    self.is_complete_ = true;
    self.is_last_ = has_body || http_should_keep_alive(parser) == 0;
    http_parser_pause(parser, 1);  // bodies are not read, unless somebody wants one
    return 0;
  }

  static const http_parser_settings& settings() noexcept {
    static const http_parser_settings all = [] {
      http_parser_settings result{};
      result.on_url = on_url;
      result.on_header_field = on_name;
      result.on_header_value = on_value;
      result.on_headers_complete = on_head;
      result.on_body = on_body;
      result.on_message_complete = on_end;
      return result;
    }();
    return all;
  }

  http_parser parser_{};
  std::string target_;
  std::string header_name_, authorization_, body_;
  std::string_view rest_;  // behind the head, of what was fed last
  std::size_t size_ = 0;   // of the head so far
  bool is_in_value_ = false;
  bool reads_body_ = false;
  bool has_body_ = false;
  bool is_body_too_large_ = false;
  bool is_complete_ = false;
  bool is_broken_ = false;
  bool is_too_long_ = false;
  bool is_last_ = false;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_REQUEST_READER_H_
