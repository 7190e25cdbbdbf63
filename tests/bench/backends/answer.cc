#include "bench/backends/answer.h"

#include <http_parser.h>

#include <array>
#include <charconv>

namespace leastwise::bench {
namespace {

// How much more a truncated answer promises than it sends.
constexpr std::size_t kMissingBytes = 100;

void append_number(std::string& text, std::size_t number, int base = 10) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  text.append(digits.data(), end);
}

std::string_view reason(int status) noexcept {
  const std::string_view text = http_status_str(static_cast<http_status>(status));
  return text == "<unknown>" ? "Unknown" : text;
}

std::size_t body_size(const AnswerSpec& spec) noexcept {
  return spec.body.empty() ? spec.body_bytes : spec.body.size();
}

// The accepted key is that of RFC 6455's own example, which clients of ours send: HAProxy refuses
// a 101 without one.
std::string render_upgrade(const AnswerSpec& spec) {
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade"
      "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
  if (!spec.server.empty()) head.append("\r\nX-Server: ").append(spec.server);
  return head.append("\r\n\r\n");
}

std::string render_head(const AnswerSpec& spec) {
  std::string head = "HTTP/1.1 ";
  append_number(head, static_cast<std::size_t>(spec.status));
  head.append(" ").append(reason(spec.status)).append("\r\nContent-Type: ");
  head.append(spec.ending == Ending::kStream ? "text/event-stream" : spec.content_type);
  if (spec.ending == Ending::kTruncateChunked || spec.ending == Ending::kStream) {
    head.append("\r\nTransfer-Encoding: chunked");
  } else if (spec.status != 204 && spec.status != 304) {  // which have no body
    head.append("\r\nContent-Length: ");
    append_number(head, body_size(spec) + (spec.ending == Ending::kTruncate ? kMissingBytes : 0));
  }
  if (!spec.server.empty()) head.append("\r\nX-Server: ").append(spec.server);
  if (!spec.load_report.empty()) {
    head.append("\r\nendpoint-load-metrics: ").append(spec.load_report);
  }
  if (!spec.keeps_alive) head.append("\r\nConnection: close");
  return head.append("\r\n\r\n");
}

void append_body(std::string& bytes, const AnswerSpec& spec) {
  if (spec.status == 204 || spec.status == 304) return;
  const std::string_view body = spec.body.empty() ? filling(spec.body_bytes) : spec.body;
  if (spec.ending == Ending::kTruncateChunked) {
    if (body.empty()) return;  // an empty chunk would be the last
    append_number(bytes, body.size(), 16);
    bytes.append("\r\n").append(body).append("\r\n");
  } else {
    bytes.append(body);
  }
}

}  // namespace

Answer render(const AnswerSpec& spec) {
  switch (spec.ending) {
    case Ending::kHang:
      return {"", After::kNothing};
    case Ending::kClose:
      return {"", After::kClose};
    case Ending::kReset:
      return {"", After::kReset};
    case Ending::kGarbage:
      return {"\x01\x02 this is no status line \xff\r\n\r\n", After::kClose};
    case Ending::kGarbageHeader:
      return {"HTTP/1.1 200 OK\r\n\x01no header\xff\r\n\r\n", After::kClose};
    case Ending::kDribble:
      return {render_head(spec), After::kMore};
    case Ending::kStream:
      return {render_head(spec).append(next_piece(spec.ending)), After::kMore};
    case Ending::kWebsocket:
      return {render_upgrade(spec), After::kMore};
    default:
      break;
  }
  Answer answer{render_head(spec), after_answer(spec)};
  append_body(answer.bytes, spec);
  return answer;
}

std::string_view next_piece(Ending ending) noexcept {
  // A chunk of 13 bytes; a text frame of two, unmasked as a server's are.
  return ending == Ending::kStream ? "d\r\ndata: token\n\n\r\n" : "\x81\x02hi";
}

After after_answer(const AnswerSpec& spec) noexcept {
  const bool is_cut = spec.ending == Ending::kTruncate || spec.ending == Ending::kTruncateChunked;
  const bool closes = is_cut || spec.closes_silently || spec.ending == Ending::kStale;
  return closes || !spec.keeps_alive ? After::kClose : After::kKeepOpen;
}

std::string_view filling(std::size_t size) {
  static std::string text;
  if (text.size() < size) text.assign(size, 'x');
  return std::string_view(text).substr(0, size);
}

}  // namespace leastwise::bench
