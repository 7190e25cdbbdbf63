// HTTP/1 of a probe: the request, and as much of the answer as it takes to judge the server. The
// parsing is http_parser's. Nothing is allocated, and nothing kept of the answer but the end of its
// body, in case the text that is looked for goes on in the next part; or all of it in memory of the
// caller, who wants to read it (a scrape).
#ifndef LEASTWISE_PROBES_HTTP_H_
#define LEASTWISE_PROBES_HTTP_H_

#include <http_parser.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "leastwise/probe.h"
#include "leastwise/text.h"

namespace leastwise::probes {

// `host`: what the front end calls the pool, for settings that name none.
void write_http(const ProbeSettings& settings, std::string_view host, Text& out) noexcept;

// The body of an answer. Room for ProbeSettings::kMostAnswer bytes is enough.
struct Body {
  std::span<char> room;
  std::size_t size = 0;

  std::string_view text() const noexcept { return {room.data(), size}; }
};

class HttpAnswer {
 public:
  // `settings` and `keep` outlive the answer. With `keep` the body is put there, whole, unless the
  // result is a fault; of kTooMuch it has the beginning.
  explicit HttpAnswer(const ProbeSettings& settings, Body* keep = nullptr) noexcept;
  HttpAnswer(const HttpAnswer&) = delete;
  HttpAnswer& operator=(const HttpAnswer&) = delete;

  // The next part of it. Without a result there is more to read.
  std::optional<ProbeResult> read(std::string_view part) noexcept;
  // The server closed the connection.
  ProbeResult end() noexcept;

 private:
  static constexpr std::size_t kMostTail = 254;  // one less than the text that is looked for

  static int on_headers(http_parser* parser) noexcept;
  static int on_body(http_parser* parser, const char* text, std::size_t size) noexcept;
  static int on_message(http_parser* parser) noexcept;
  static const http_parser_settings& callbacks() noexcept;

  int look_at_status(std::uint32_t status) noexcept;
  bool has_text(std::string_view part) noexcept;

  const ProbeSettings& settings_;
  Body* keep_;
  http_parser parser_;
  std::optional<ProbeResult> result_;
  std::size_t size_ = 0;
  std::size_t tail_size_ = 0;
  std::array<char, kMostTail> tail_;
};

}  // namespace leastwise::probes

#endif  // LEASTWISE_PROBES_HTTP_H_
