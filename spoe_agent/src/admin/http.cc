#include "admin/http.h"

#include <http_parser.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <exception>
#include <new>
#include <utility>

#include "leastwise/live_page.h"

namespace leastwise::agent {
namespace {

constexpr std::string_view kHeaders =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: ";

std::string_view reason_of(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

// Reads the head of one request. The parsing is http_parser's.
class RequestReader {
 public:
  RequestReader() noexcept { start_over(); }

  void start_over() noexcept {
    http_parser_init(&parser_, HTTP_REQUEST);
    target_.clear();
    size_ = 0;
    is_complete_ = is_broken_ = is_too_long_ = is_last_ = false;
  }

  void feed(std::string_view bytes) {
    if (bytes.empty()) return;
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
      is_last_ = is_last_ || taken + 1 < bytes.size();
    } else if (HTTP_PARSER_ERRNO(&parser_) == HPE_HEADER_OVERFLOW) {
      is_too_long_ = true;
    } else if (HTTP_PARSER_ERRNO(&parser_) != HPE_OK) {
      is_broken_ = true;
    } else {
      is_too_long_ = part.size() < bytes.size();
    }
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
  std::string_view field(const http_parser_url& url, http_parser_url_fields which) const noexcept {
    if ((url.field_set & (1U << which)) == 0) return {};
    return std::string_view(target_).substr(url.field_data[which].off, url.field_data[which].len);
  }

  // An exception must not pass through the parser, which is C.
  static int on_url(http_parser* parser, const char* text, std::size_t size) noexcept {
    try {
      static_cast<RequestReader*>(parser->data)->target_.append(text, size);
      return 0;
    } catch (const std::exception&) {
      return 1;
    }
  }

  static int on_head(http_parser* parser) noexcept {
    auto& self = *static_cast<RequestReader*>(parser->data);
    const bool has_length = parser->content_length != 0 && parser->content_length != ULLONG_MAX;
    const bool has_body = has_length || parser->uses_transfer_encoding != 0;
    self.is_complete_ = true;
    self.is_last_ = has_body || http_should_keep_alive(parser) == 0;
    http_parser_pause(parser, 1);  // bodies are not read
    return 0;
  }

  static const http_parser_settings& settings() noexcept {
    static const http_parser_settings all = [] {
      http_parser_settings result{};
      result.on_url = on_url;
      result.on_headers_complete = on_head;
      return result;
    }();
    return all;
  }

  http_parser parser_{};
  std::string target_;
  std::size_t size_ = 0;  // of the head so far
  bool is_complete_ = false;
  bool is_broken_ = false;
  bool is_too_long_ = false;
  bool is_last_ = false;
};

Answer refusal(int status, std::string text) {
  Answer answer;
  answer.status = status;
  answer.text = std::move(text);
  return answer;
}

void append(spop::Buffer& output, std::string_view text) {
  const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(text.data()));
  if (!output.append({bytes, text.size()})) throw std::bad_alloc();
}

class HttpSession final : public Session {
 public:
  explicit HttpSession(Site& site) noexcept : site_(site) {}

  void feed(spop::Bytes bytes, spop::Buffer& output) noexcept override {
    if (is_ending_ || parts_) return;
    try {
      const auto* text = static_cast<const char*>(static_cast<const void*>(bytes.data()));
      request_.feed({text, bytes.size()});
      on_bytes(output);
    } catch (const std::exception&) {
      give_up(output);
    }
  }

  void go_on(spop::Buffer& output) noexcept override {
    if (!parts_) return;
    try {
      add_part(output);
    } catch (const std::exception&) {
      give_up(output);
    }
  }

  void end_of_input(spop::Buffer&) noexcept override { is_ending_ = true; }
  void say_goodbye(spop::Buffer&) noexcept override {
    is_ending_ = true;
    parts_.reset();
  }
  bool is_closing() const noexcept override { return is_ending_ && !parts_; }
  bool is_owed() const noexcept override { return true; }  // idle it is of no use
  std::uint64_t progress() const noexcept override { return progress_; }

 private:
  void on_bytes(spop::Buffer& output) {
    if (request_.is_too_long()) return refuse(431, "the head is too long\n", output);
    if (request_.is_broken()) return refuse(400, "expected HTTP/1.1\n", output);
    if (!request_.is_complete()) return;
    ++progress_;
    std::string_view path, query;
    if (!request_.is_http1()) return refuse(400, "expected HTTP/1.1\n", output);
    if (!request_.is(HTTP_GET)) return refuse(405, "only GET\n", output);
    if (!request_.read_target(path, query)) return refuse(400, "expected a path\n", output);
    is_ending_ = request_.is_last();
    answer(site_.get(path, query), output);
    request_.start_over();
  }

  void refuse(int status, std::string text, spop::Buffer& output) {
    is_ending_ = true;
    answer(refusal(status, std::move(text)), output);
  }

  void answer(Answer answer, spop::Buffer& output) {
    parts_ = std::move(answer.parts);
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
    head += reason_of(answer.status);
    head += "\r\nContent-Type: ";
    head += answer.type;
    head += "\r\n";
    head += kHeaders;
    head += live_page_policy();
    head += "\r\n";
    if (answer.status == 405) head += "Allow: GET\r\n";
    if (is_ending_) head += "Connection: close\r\n";
    is_chunked_ = request_.knows_chunks();
    if (!parts_) head += "Content-Length: " + std::to_string(answer.text.size()) + "\r\n";
    if (parts_ && is_chunked_) head += "Transfer-Encoding: chunked\r\n";
    append(output, head + "\r\n");
    if (!request_.is(HTTP_HEAD)) append(output, answer.text);
  }

  void add_part(spop::Buffer& output) {
    std::string part;
    const bool has_more = parts_->next(part);
    ++progress_;
    if (!has_more) parts_.reset();
    if (!is_chunked_) return append(output, part);
    if (!part.empty()) {
      std::array<char, 16> size{};
      const auto [end, error] = std::to_chars(size.begin(), size.end(), part.size(), 16);
      append(output, {size.data(), static_cast<std::size_t>(end - size.data())});
      append(output, "\r\n");
      append(output, part);
      append(output, "\r\n");
    }
    if (!has_more) append(output, "0\r\n\r\n");
  }

  // Without the end of its answer the peer knows that it is not whole.
  void give_up(spop::Buffer& output) noexcept {
    output.clear();
    parts_.reset();
    is_ending_ = true;
  }

  Site& site_;
  RequestReader request_;
  std::unique_ptr<Parts> parts_;
  bool is_ending_ = false;
  bool is_chunked_ = false;
  std::uint64_t progress_ = 0;
};

}  // namespace

std::unique_ptr<Session> HttpProtocol::open() noexcept {
  return std::unique_ptr<Session>(new (std::nothrow) HttpSession(site_));
}

}  // namespace leastwise::agent
