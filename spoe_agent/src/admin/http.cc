#include "admin/http.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <exception>
#include <new>
#include <utility>

namespace leastwise::agent {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kHeaders =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; connect-src 'self'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n";

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

bool is_same(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view take_until(std::string_view& text, std::string_view end) noexcept {
  const std::string_view taken = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), taken.size() + end.size()));
  return taken;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

struct Request {
  std::string_view method, path;
  bool is_http1 = false;      // of any minor version
  bool knows_chunks = false;  // else the end of the connection ends the answer
  bool is_last = false;       // the connection ends with its answer
};

Request read_request(std::string_view head) noexcept {
  std::string_view line = take_until(head, "\r\n");
  Request request;
  request.method = take_until(line, " ");
  request.path = take_until(line, " ");
  request.path = request.path.substr(0, request.path.find('?'));
  request.is_http1 = line.starts_with("HTTP/1.");
  request.knows_chunks = request.is_http1 && line != "HTTP/1.0";
  request.is_last = line != "HTTP/1.1" || request.method != "GET";
  while (!head.empty()) {
    std::string_view value = take_until(head, "\r\n");
    const std::string_view name = take_until(value, ":");
    value = trimmed(value);
    const bool has_body =
        is_same(name, "transfer-encoding") || (is_same(name, "content-length") && value != "0");
    if (has_body || (is_same(name, "connection") && is_same(value, "close"))) {
      request.is_last = true;
    }
  }
  return request;
}

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
      head_.append(text, bytes.size());
      on_head(output);
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
  void on_head(spop::Buffer& output) {
    const std::size_t end = head_.find(kHeadEnd);
    if (std::min(end, head_.size()) > HttpProtocol::kMostHead) {
      is_ending_ = true;
      return answer({}, refusal(431, "the head is too long\n"), output);
    }
    if (end == head_.npos) return;
    ++progress_;
    Request request = read_request(std::string_view(head_).substr(0, end));
    if (head_.size() > end + kHeadEnd.size()) request.is_last = true;
    is_ending_ = request.is_last;
    if (!request.is_http1) {
      answer(request, refusal(400, "expected HTTP/1.1\n"), output);
    } else if (request.method != "GET") {
      answer(request, refusal(405, "only GET\n"), output);
    } else {
      answer(request, site_.get(request.path), output);
    }
    head_.clear();
  }

  void answer(const Request& request, Answer answer, spop::Buffer& output) {
    parts_ = std::move(answer.parts);
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
    head += reason_of(answer.status);
    head += "\r\nContent-Type: ";
    head += answer.type;
    head += "\r\n";
    head += kHeaders;
    if (answer.status == 405) head += "Allow: GET\r\n";
    if (is_ending_) head += "Connection: close\r\n";
    is_chunked_ = request.knows_chunks;
    if (!parts_) head += "Content-Length: " + std::to_string(answer.text.size()) + "\r\n";
    if (parts_ && is_chunked_) head += "Transfer-Encoding: chunked\r\n";
    append(output, head + "\r\n");
    if (request.method != "HEAD") append(output, answer.text);
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
  std::string head_;  // of the request that is being read
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
