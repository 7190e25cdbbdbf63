#include "bench/common/http_reader.h"

#include <strings.h>

namespace leastwise::bench {

struct HttpReader::Callbacks {
  static HttpReader& reader(http_parser* parser) noexcept {
    return *static_cast<HttpReader*>(parser->data);
  }

  static int on_url(http_parser* parser, const char* text, std::size_t size) noexcept {
    reader(parser).target_.append(text, size);
    return 0;
  }

  // Names and values may arrive in pieces.
  static int on_field(http_parser* parser, const char* text, std::size_t size) noexcept {
    HttpReader& self = reader(parser);
    if (self.in_value_) self.field_.clear();
    self.in_value_ = false;
    self.field_.append(text, size);
    return 0;
  }

  static int on_value(http_parser* parser, const char* text, std::size_t size) noexcept {
    HttpReader& self = reader(parser);
    if (!self.in_value_) {
      self.in_value_ = true;
      self.is_wanted_ =
          self.field_.size() == self.wanted_.size() &&
          strncasecmp(self.field_.data(), self.wanted_.data(), self.wanted_.size()) == 0;
      if (self.is_wanted_) self.value_.clear();
    }
    if (self.is_wanted_) self.value_.append(text, size);
    return 0;
  }

  static int on_body(http_parser* parser, const char* text, std::size_t size) noexcept {
    HttpReader& self = reader(parser);
    self.has_body_ = true;
    if (self.most_body_ == 0) return 0;
    if (size > self.most_body_ - self.body_.size()) return 1;
    self.body_.append(text, size);
    return 0;
  }

  static int on_complete(http_parser* parser) noexcept {
    HttpReader& self = reader(parser);
    self.is_complete_ = true;
    self.keeps_alive_ = http_should_keep_alive(parser) != 0;
    // Or it would run on into the next message.
    http_parser_pause(parser, 1);
    return 0;
  }

  static const http_parser_settings& settings() noexcept {
    static const http_parser_settings all = [] {
      http_parser_settings result{};
      result.on_url = on_url;
      result.on_header_field = on_field;
      result.on_header_value = on_value;
      result.on_body = on_body;
      result.on_message_complete = on_complete;
      return result;
    }();
    return all;
  }
};

HttpReader::HttpReader(Kind kind, std::string_view wanted, std::size_t most_body) noexcept
    : wanted_(wanted), most_body_(most_body) {
  http_parser_init(&parser_, kind == Kind::kRequest ? HTTP_REQUEST : HTTP_RESPONSE);
}

std::size_t HttpReader::feed(std::string_view bytes) {
  if (bytes.empty() || is_complete_ || is_broken_) return 0;
  // Here, not in the constructor: readers are moved with the connection they belong to.
  parser_.data = this;
  has_begun_ = true;
  const std::size_t taken =
      http_parser_execute(&parser_, &Callbacks::settings(), bytes.data(), bytes.size());
  is_broken_ = !is_complete_ && HTTP_PARSER_ERRNO(&parser_) != HPE_OK;
  return taken;
}

void HttpReader::end_of_stream() {
  if (!has_begun_ || is_complete_ || is_broken_) return;
  parser_.data = this;
  http_parser_execute(&parser_, &Callbacks::settings(), nullptr, 0);
  is_broken_ = !is_complete_;
}

void HttpReader::next_message() {
  const auto type = static_cast<http_parser_type>(parser_.type);
  http_parser_init(&parser_, type);
  target_.clear();
  body_.clear();
  field_.clear();
  value_.clear();
  in_value_ = is_wanted_ = has_begun_ = has_body_ = false;
  is_complete_ = is_broken_ = keeps_alive_ = false;
}

}  // namespace leastwise::bench
