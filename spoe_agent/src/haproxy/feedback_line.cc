#include "haproxy/feedback_line.h"

#include <charconv>
#include <concepts>
#include <system_error>

#include "haproxy/request_id.h"

namespace leastwise::agent {
namespace {

constexpr std::string_view kMagic = "leastwise ";
constexpr std::size_t kMaxServerName = 2048;  // of a line of HAProxy's configuration
constexpr std::int64_t kMaxTime = std::int64_t{1000} * 86400 * 366;  // a year; more is nonsense

template <std::integral Number>
bool read_number(std::string_view text, Number least, Number most, Number& out) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  if (number < least || number > most) return false;
  out = number;
  return true;
}

std::string_view without_plus(std::string_view text) noexcept {
  return text.starts_with('+') ? text.substr(1) : text;
}

// With `option logasap` totals are marked by a plus.
bool read_time(std::string_view text, std::int64_t& out) noexcept {
  return read_number<std::int64_t>(without_plus(text), -1, kMaxTime, out);
}

bool read_bytes(std::string_view text, std::uint64_t& out) noexcept {
  return read_number<std::uint64_t>(without_plus(text), 0, UINT64_MAX, out);
}

bool read_status(std::string_view text, int& out) noexcept {
  if (text == "-" || text == "-1") return true;
  return read_number(text, 0, 999, out);
}

bool read_retries(std::string_view text, FeedbackLine& out) noexcept {
  out.redispatched = text.starts_with('+');
  return read_number<std::uint32_t>(without_plus(text), 0, UINT32_MAX, out.retries);
}

bool read_termination(std::string_view text, FeedbackLine& out) noexcept {
  if (text.size() != 2 && text.size() != 4) return false;
  out.cause = text[0];
  out.phase = text[1];
  return true;
}

bool read_server(std::string_view text, FeedbackLine& out) noexcept {
  if (text.empty() || text.size() > kMaxServerName) return false;
  out.server = text == "-" || text.front() == '<' ? std::string_view() : text;
  return true;
}

bool read_id(std::string_view text, FeedbackLine& out) noexcept {
  if (text.empty() || text.size() > kMaxIdLength) return false;
  out.id = text == "-" ? std::string_view() : text;
  return true;
}

// What must be there, as bits.
enum Seen : unsigned { kId = 1, kServer = 2, kTermination = 4, kAll = 7 };

bool read_field(std::string_view key, std::string_view value, FeedbackLine& out,
                unsigned& seen) noexcept {
  if (key == "id") return seen |= kId, read_id(value, out);
  if (key == "s") return seen |= kServer, read_server(value, out);
  if (key == "tsc" || key == "ts") return seen |= kTermination, read_termination(value, out);
  if (key == "st") return out.is_http = true, read_status(value, out.status);
  if (key == "Tw") return read_time(value, out.queue);
  if (key == "Tc") return read_time(value, out.connect);
  if (key == "Tr") return read_time(value, out.answer);
  if (key == "Ta" || key == "Tt") return read_time(value, out.total);
  if (key == "B") return read_bytes(value, out.bytes_received);
  if (key == "U") return read_bytes(value, out.bytes_sent);
  if (key == "rc") return read_retries(value, out);
  if (value.empty() || value == "-") return true;  // the answer had no such header
  if (key == "grpc") out.grpc = read_grpc_status(value);
  if (key == "len") out.is_empty = value == "0";
  if (key == "report") out.report = value;
  if (key == "bin") out.bin = value;
  return true;
}

// The last one: what stands before it may be words of a client, in the user's own fields. Within
// JSON it is a string.
std::size_t find_magic(std::string_view line) noexcept {
  std::size_t at = line.rfind(kMagic);
  while (at != line.npos && at != 0 && line[at - 1] != ' ' && line[at - 1] != '"') {
    at = line.rfind(kMagic, at - 1);
  }
  return at;
}

// From behind the magic word to its end, which is that of the string or the line.
std::string_view block_at(std::string_view line, std::size_t magic) noexcept {
  const bool is_string = magic > 0 && line[magic - 1] == '"';
  line.remove_prefix(magic + kMagic.size());
  for (const char end : {'\n', '\r', '\0'}) line = line.substr(0, line.find(end));
  return is_string ? line.substr(0, line.find('"')) : line;
}

}  // namespace

LineKind parse_feedback_line(std::string_view line, FeedbackLine& out) noexcept {
  const std::size_t magic = find_magic(line);
  if (magic == line.npos) return LineKind::kForeign;
  line = block_at(line, magic);
  FeedbackLine parsed;
  unsigned seen = 0;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size() < line.size() ? word.size() + 1 : word.size());
    const std::size_t equals = word.find('=');
    if (equals == word.npos) continue;
    if (!read_field(word.substr(0, equals), word.substr(equals + 1), parsed, seen)) {
      return LineKind::kGarbled;
    }
  }
  if (seen != kAll) return LineKind::kGarbled;
  out = parsed;
  return LineKind::kOurs;
}

}  // namespace leastwise::agent
