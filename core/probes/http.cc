#include "probes/http.h"

#include <algorithm>

namespace leastwise::probes {
namespace {

constexpr int kGoOn = 0;
constexpr int kNoBody = 1;  // of on_headers_complete
constexpr int kStop = -1;

HttpAnswer& answer_of(const http_parser* parser) noexcept {
  return *static_cast<HttpAnswer*>(parser->data);
}

}  // namespace

void write_http(const ProbeSettings& s, std::string_view host, Text& out) noexcept {
  out << s.method << ' ' << s.uri << " HTTP/1.1\r\nHost: " << (s.host.empty() ? host : s.host)
      << "\r\nUser-Agent: leastwise-probe\r\nAccept: */*\r\nConnection: close\r\n";
  if (s.method == "POST" || s.method == "PUT" || s.method == "PATCH") {
    out << "Content-Length: 0\r\n";
  }
  out << "\r\n";
}

HttpAnswer::HttpAnswer(const ProbeSettings& settings, Body* keep) noexcept
    : settings_(settings), keep_(keep) {
  http_parser_init(&parser_, HTTP_RESPONSE);
  parser_.data = this;
}

const http_parser_settings& HttpAnswer::callbacks() noexcept {
  static const http_parser_settings kCallbacks = [] {
    http_parser_settings s;
    http_parser_settings_init(&s);
    s.on_headers_complete = on_headers;
    s.on_body = on_body;
    s.on_message_complete = on_message;
    return s;
  }();
  return kCallbacks;
}

std::optional<ProbeResult> HttpAnswer::read(std::string_view part) noexcept {
  if (result_) return result_;
  const std::size_t room = ProbeSettings::kMostAnswer - size_;
  const bool is_too_much = part.size() > room;
  part = part.substr(0, room);
  size_ += part.size();
  // Of nothing it would be told that the connection was closed.
  if (!part.empty()) http_parser_execute(&parser_, &callbacks(), part.data(), part.size());
  if (result_) return result_;
  const bool is_broken = HTTP_PARSER_ERRNO(&parser_) != HPE_OK;
  if (is_broken) result_ = {ProbeFault::kNoHttp};
  if (!is_broken && is_too_much) result_ = {ProbeFault::kTooMuch};
  return result_;
}

ProbeResult HttpAnswer::end() noexcept {
  if (result_) return *result_;
  if (size_ == 0) return {ProbeFault::kClosed};
  http_parser_execute(&parser_, &callbacks(), nullptr, 0);
  if (result_) return *result_;
  return {ProbeFault::kClosed};
}

int HttpAnswer::on_headers(http_parser* parser) noexcept {
  return answer_of(parser).look_at_status(parser->status_code);
}

int HttpAnswer::look_at_status(std::uint32_t status) noexcept {
  constexpr std::uint32_t kSwitching = 101;
  // Another answer follows.
  if (status < 200 && status != kSwitching) return kGoOn;
  if (!settings_.status.contains(status)) {
    result_ = {ProbeFault::kStatus, status};
    return kStop;
  }
  if (keep_ != nullptr) return kGoOn;
  if (settings_.body.empty()) {
    result_ = ProbeResult{};
    return kStop;
  }
  return settings_.method == "HEAD" ? kNoBody : kGoOn;
}

int HttpAnswer::on_body(http_parser* parser, const char* text, std::size_t size) noexcept {
  HttpAnswer& answer = answer_of(parser);
  if (Body* keep = answer.keep_; keep != nullptr) {
    size = std::min(size, keep->room.size() - keep->size);
    std::copy_n(text, size, keep->room.data() + keep->size);
    keep->size += size;
    return kGoOn;
  }
  if (!answer.has_text({text, size})) return kGoOn;
  answer.result_ = ProbeResult{};
  return kStop;
}

int HttpAnswer::on_message(http_parser* parser) noexcept {
  if (parser->status_code < 200) return kGoOn;
  HttpAnswer& answer = answer_of(parser);
  answer.result_ = answer.keep_ != nullptr ? ProbeResult{} : ProbeResult{ProbeFault::kBody};
  return kStop;
}

// In this part, or across its border with those before.
bool HttpAnswer::has_text(std::string_view part) noexcept {
  const std::string_view wanted = settings_.body;
  if (part.find(wanted) != part.npos) return true;
  const std::size_t most = wanted.size() - 1;
  std::array<char, 2 * kMostTail> border;
  const std::size_t next = std::min(most, part.size());
  char* end = std::copy_n(tail_.data(), tail_size_, border.data());
  end = std::copy_n(part.data(), next, end);
  const std::string_view seen(border.data(), static_cast<std::size_t>(end - border.data()));
  if (seen.find(wanted) != seen.npos) return true;
  // Of what came last: of a short part, what was kept before as well.
  const std::string_view last = part.size() >= most  ? part.substr(part.size() - most)
                                : seen.size() > most ? seen.substr(seen.size() - most)
                                                     : seen;
  tail_size_ = last.copy(tail_.data(), most);
  return false;
}

}  // namespace leastwise::probes
