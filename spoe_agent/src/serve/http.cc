#include "serve/http.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <new>
#include <utility>

#include "leastwise/live_page.h"
#include "serve/request_reader.h"

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
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

Answer refusal(int status, std::string text) {
  Answer answer;
  answer.status = status;
  if (status == 405) answer.header = "Allow: GET";
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
    if (request_.reads_body()) return act(output);
    ++progress_;
    std::string_view path, query;
    if (!request_.is_http1()) return refuse(400, "expected HTTP/1.1\n", output);
    const bool has_target = request_.read_target(path, query);
    if (has_target && site_.acts_at(path)) {
      request_.read_body();
      return act(output);
    }
    if (!request_.is(HTTP_GET)) return refuse(405, "only GET\n", output);
    if (!has_target) return refuse(400, "expected a path\n", output);
    is_ending_ = request_.is_last();
    answer(site_.get(path, query), output);
    request_.start_over();
  }

  void act(spop::Buffer& output) {
    std::string_view path, query;
    if (request_.is_body_too_large())
      return refuse(413, "a body has at most 16384 bytes\n", output);
    if (request_.is_broken()) return refuse(400, "expected a body of HTTP/1.1\n", output);
    if (!request_.has_body() || !request_.read_target(path, query)) return;
    is_ending_ = true;
    answer(site_.act({.method = request_.method(),
                      .path = path,
                      .authorization = request_.authorization(),
                      .body = request_.body()}),
           output);
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
    if (!answer.header.empty()) (head += answer.header) += "\r\n";
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
