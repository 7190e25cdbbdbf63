#include "leastwise/probe.h"

#include <algorithm>

#include "leastwise/config.h"
#include "tune/duration.h"
#include "tune/number.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLeastInterval = 100ms, kMostInterval = 1h;
constexpr Duration kLeastTimeout = 10ms;
constexpr std::uint32_t kMostInARow = 100;
constexpr std::uint32_t kMostJitter = 50;
constexpr std::size_t kMostText = 255;
constexpr std::size_t kMostUri = 1024;
constexpr std::size_t kMostShown = 60;  // of a word, in a message

// What kinds of probe a parameter is for.
constexpr std::uint32_t kHttp = 1, kTcp = 2, kGrpc = 4, kAll = kHttp | kTcp | kGrpc;

// False, and nothing changed, when the text is none that is accepted.
using Read = bool (*)(std::string_view text, ProbeSettings& out) noexcept;

struct Parameter {
  std::string_view name;  // with "=" when it has a value
  std::uint32_t kinds;
  std::string_view accepted;
  Read read;
};

// In place of substr(), and starts_with() which calls it: they may throw, and the core does not.
// REQUIRES: text.size() >= n.
std::string_view behind(std::string_view text, std::size_t n) noexcept {
  text.remove_prefix(n);
  return text;
}
std::string_view first(std::string_view text, std::size_t n) noexcept {
  return {text.data(), std::min(n, text.size())};
}

bool is_visible(char c) noexcept { return c > ' ' && c < '\x7f'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_of_host(char c) noexcept {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}
// With a port, or an address of IPv6.
bool is_of_authority(char c) noexcept { return is_of_host(c) || c == ':' || c == '[' || c == ']'; }
bool is_of_method(char c) noexcept { return c >= 'A' && c <= 'Z'; }

template <typename Allowed>
bool read_text(std::string_view text, std::size_t most, Allowed allowed,
               std::string_view& out) noexcept {
  if (text.empty() || text.size() > most || !std::ranges::all_of(text, allowed)) return false;
  out = text;
  return true;
}

constexpr Parameter kParameters[] = {
    {"interval=", kAll, "a time from 100ms to 1h, as 250ms, 30s, 30 (seconds) or 1m30s",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return parse_duration(text, kLeastInterval, kMostInterval, out.interval).ok();
     }},
    {"jitter=", kAll, "a part from 0% to 50%",
     [](std::string_view text, ProbeSettings& out) noexcept {
       if (!text.ends_with('%')) return false;
       text.remove_suffix(1);
       return read_number(text, 0, kMostJitter, out.jitter);
     }},
    {"timeout=", kAll, "a time from 10ms to 1h, as 250ms, 30s, 30 (seconds) or 1m30s",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return parse_duration(text, kLeastTimeout, kMostInterval, out.timeout).ok();
     }},
    {"passes=", kAll, "a whole number from 1 to 100",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return read_number(text, 1, kMostInARow, out.passes);
     }},
    {"fails=", kAll, "a whole number from 1 to 100",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return read_number(text, 1, kMostInARow, out.fails);
     }},
    {"port=", kAll, "a whole number from 1 to 65535",
     [](std::string_view text, ProbeSettings& out) noexcept {
       std::uint32_t port = 0;
       if (!read_number(text, 1, 65535, port)) return false;
       out.port = static_cast<std::uint16_t>(port);
       return true;
     }},
    {"uri=", kHttp, "a path that begins with \"/\", of at most 1024 visible ASCII characters",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return text.starts_with('/') && read_text(text, kMostUri, is_visible, out.uri);
     }},
    {"method=", kHttp, "a method of at most 16 capital letters, as GET, HEAD or OPTIONS",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return read_text(text, 16, is_of_method, out.method);
     }},
    {"host=", kHttp | kGrpc, "a host name or address, with or without a port",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return read_text(text, kMostText, is_of_authority, out.host);
     }},
    {"status=", kHttp, "1 to 8 statuses or ranges from 100 to 599, as in 200-299,301",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return out.status.parse(text).ok();
     }},
    {"body=", kHttp, "1 to 255 bytes that the answer's body contains",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return read_text(
           text, kMostText, [](char) { return true; }, out.body);
     }},
    {"service=", kGrpc, "the name of a gRPC service, of at most 255 visible ASCII characters",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return read_text(text, kMostText, is_visible, out.service);
     }},
    {"sni=", kAll, "a host name",
     [](std::string_view text, ProbeSettings& out) noexcept {
       return read_text(text, kMostText, is_of_host, out.sni);
     }},
    {"tls", kAll, {}, [](std::string_view, ProbeSettings& out) noexcept { return out.tls = true; }},
    {"mandatory",
     kAll,
     {},
     [](std::string_view, ProbeSettings& out) noexcept { return out.mandatory = true; }},
};

constexpr std::uint32_t kind_bit(ProbeKind kind) noexcept {
  return kind == ProbeKind::kHttp ? kHttp : kind == ProbeKind::kTcp ? kTcp : kGrpc;
}

bool is_named(const Parameter& p, std::string_view word) noexcept {
  return p.name.ends_with('=') ? first(word, p.name.size()) == p.name : word == p.name;
}

Status refuse(std::string_view what, std::string_view word, std::string_view expected) noexcept {
  return {Status::Code::kBadValue,
          {what, " \"", first(word, kMostShown), word.size() > kMostShown ? "…" : "",
           "\": expected ", expected}};
}

Status refuse_unknown(std::string_view word, ProbeKind kind) noexcept {
  std::array<char, 192> buffer;
  Text names(buffer);
  for (const Parameter& p : kParameters) {
    if ((p.kinds & kind_bit(kind)) != 0) names << (names.size() == 0 ? "" : ", ") << p.name;
  }
  return refuse("unknown parameter", word, names.view());
}

Status set_kind(ProbeSettings& settings, std::string_view word) noexcept {
  if (word == "http") {
    settings.kind = ProbeKind::kHttp;
  } else if (word == "tcp") {
    settings.kind = ProbeKind::kTcp;
  } else if (word == "grpc") {
    settings.kind = ProbeKind::kGrpc;
    return settings.status.parse("200");
  } else {
    return refuse("invalid kind of probe", word, "http, tcp or grpc");
  }
  return {};
}

std::uint32_t bit_of(const Parameter& p) noexcept {
  return 1U << static_cast<std::uint32_t>(&p - std::begin(kParameters));
}

bool was_set(const ProbeSettings& settings, std::string_view name) noexcept {
  return (settings.seen & bit_of(*std::ranges::find(kParameters, name, &Parameter::name))) != 0;
}

}  // namespace

Status set(ProbeSettings& settings, std::string_view word) noexcept {
  if (!settings.is_on()) return set_kind(settings, word);
  const auto* p = std::ranges::find_if(
      kParameters, [word](const Parameter& q) noexcept { return is_named(q, word); });
  if (p == std::end(kParameters) || (p->kinds & kind_bit(settings.kind)) == 0) {
    return refuse_unknown(word, settings.kind);
  }
  if ((settings.seen & bit_of(*p)) != 0) {
    return refuse("duplicate parameter", word, "each of them once");
  }
  if (!p->read(behind(word, p->name.size()), settings)) {
    return refuse("invalid parameter", word, p->accepted);
  }
  settings.seen |= bit_of(*p);
  // An interval that is short, and nothing said of the timeout.
  if (!was_set(settings, "timeout=")) settings.timeout = std::min<Duration>(1s, settings.interval);
  return {};
}

Status check(const ProbeSettings& settings) noexcept {
  constexpr Status::Code kBad = Status::Code::kBadValue;
  if (settings.timeout > settings.interval) {
    std::array<char, 96> buffer;
    Text text(buffer);
    text << "timeout=";
    print(settings.timeout, text);
    text << " is longer than interval=";
    print(settings.interval, text);
    return {kBad, {text.view(), ": expected at most the interval"}};
  }
  if (!settings.sni.empty() && !settings.tls) {
    return {kBad, "\"sni=\" is sent with \"tls\" only: expected \"tls\" beside it"};
  }
  if (!settings.body.empty() && settings.method == "HEAD") {
    return {kBad, "\"body=\" and \"method=HEAD\", whose answers have none: expected one of them"};
  }
  return {};
}

std::string_view ProbeSettings::server_name() const noexcept {
  if (!sni.empty()) return sni;
  return host.starts_with('[') ? std::string_view{} : first(host, host.find(':'));
}

bool StatusRanges::contains(std::uint32_t status) const noexcept {
  const auto* end = ranges_.begin() + count_;
  return std::any_of(ranges_.begin(), end, [status](const Range& r) noexcept {
    return status >= r.first && status <= r.last;
  });
}

Status StatusRanges::parse(std::string_view text) noexcept {
  StatusRanges found;
  found.count_ = 0;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = first(text, comma);
    const std::size_t dash = part.find('-');
    std::uint32_t low = 0, high = 0;
    const std::string_view end = dash == part.npos ? part : behind(part, dash + 1);
    if (found.count_ == kMost || !read_number(first(part, dash), kLeastStatus, kMostStatus, low) ||
        !read_number(end, low, kMostStatus, high)) {
      return {Status::Code::kBadValue, "not a list of statuses"};
    }
    found.ranges_[found.count_++] = {static_cast<std::uint16_t>(low),
                                     static_cast<std::uint16_t>(high)};
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
  }
  *this = found;
  return {};
}

void StatusRanges::print(Text& out) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    out << (i == 0 ? "" : ",") << std::uint32_t{ranges_[i].first};
    if (ranges_[i].last != ranges_[i].first) out << '-' << std::uint32_t{ranges_[i].last};
  }
}

}  // namespace leastwise
