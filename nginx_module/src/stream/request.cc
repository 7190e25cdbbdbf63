#include "stream/request.h"

#include <algorithm>

namespace leastwise::nginx {
namespace {

constexpr int kGoOn = 0;
constexpr int kStop = -1;

}  // namespace

Request::Request() noexcept {
  http_parser_init(&parser_, HTTP_REQUEST);
  parser_.data = this;
}

const http_parser_settings& Request::callbacks() noexcept {
  static const http_parser_settings kCallbacks = [] {
    http_parser_settings s;
    http_parser_settings_init(&s);
    s.on_url = on_url;
    s.on_headers_complete = on_head;
    return s;
  }();
  return kCallbacks;
}

Request::State Request::read(std::string_view part) noexcept {
  const bool is_too_long = part.size() > kMost - size_;
  if (is_too_long) part.remove_suffix(part.size() - (kMost - size_));
  size_ += part.size();
  // Of nothing it would be told that the connection was closed.
  if (!part.empty()) http_parser_execute(&parser_, &callbacks(), part.data(), part.size());
  if (is_complete_) return parser_.http_major == 1 ? State::kComplete : State::kBroken;
  if (HTTP_PARSER_ERRNO(&parser_) != HPE_OK) return State::kBroken;
  return is_too_long ? State::kTooLong : State::kMore;
}

int Request::on_url(http_parser* parser, const char* text, std::size_t size) noexcept {
  Request& r = *static_cast<Request*>(parser->data);
  const std::size_t room = r.target_.size() - std::min(r.target_.size(), r.target_size_);
  std::copy_n(text, std::min(size, room), r.target_.end() - static_cast<std::ptrdiff_t>(room));
  r.target_size_ += size;
  return kGoOn;
}

int Request::on_head(http_parser* parser) noexcept {
  static_cast<Request*>(parser->data)->is_complete_ = true;
  return kStop;
}

std::string_view Request::query() const noexcept {
  http_parser_url url;
  http_parser_url_init(&url);
  if (target_size_ > target_.size() ||
      http_parser_parse_url(target_.data(), target_size_, 0, &url) != 0 ||
      (url.field_set & (1U << UF_QUERY)) == 0) {
    return {};
  }
  return {target_.data() + url.field_data[UF_QUERY].off, url.field_data[UF_QUERY].len};
}

}  // namespace leastwise::nginx
