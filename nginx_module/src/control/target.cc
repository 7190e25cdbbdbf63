#include "control/target.h"

#include <charconv>

namespace leastwise::nginx {
namespace {

// The path's segments one by one; an empty one is none.
class Segments {
 public:
  explicit Segments(std::string_view path) noexcept : rest_(path) {
    if (rest_.starts_with('/')) rest_.remove_prefix(1);
    if (rest_.ends_with('/')) rest_.remove_suffix(1);
  }
  bool done() const noexcept { return rest_.empty(); }
  std::string_view next() noexcept {
    const std::size_t slash = rest_.find('/');
    const std::string_view segment = rest_.substr(0, slash);
    rest_.remove_prefix(slash == std::string_view::npos ? rest_.size() : slash + 1);
    return segment;
  }

 private:
  std::string_view rest_;
};

// Digits alone: no sign, no blank.
bool parse_id(std::string_view text, std::uint32_t& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_action(std::string_view text, Action& out) noexcept {
  if (text == "eject") {
    out = Action::kEject;
  } else if (text == "uneject") {
    out = Action::kUneject;
  } else if (text == "reset") {
    out = Action::kReset;
  } else {
    return false;
  }
  return true;
}

TargetError parse_below_upstream(Segments& segments, PathTarget& out) noexcept {
  const std::string_view below = segments.next();
  if (below == "elsewhere") {
    out.level = Level::kElsewhere;
    return segments.done() ? TargetError::kNone : TargetError::kPath;
  }
  if (below != "servers") return TargetError::kPath;
  out.level = Level::kServers;
  if (segments.done()) return TargetError::kNone;
  if (!parse_id(segments.next(), out.id)) return TargetError::kId;
  out.level = Level::kServer;
  if (segments.done()) return TargetError::kNone;
  out.level = Level::kAction;
  return parse_action(segments.next(), out.action) && segments.done() ? TargetError::kNone
                                                                      : TargetError::kPath;
}

}  // namespace

TargetError parse_target(std::string_view path, PathTarget& out) noexcept {
  Segments segments(path);
  out = {};
  if (segments.done()) return TargetError::kNone;
  if (segments.next() != kApiVersion) return TargetError::kVersion;
  out.level = Level::kVersion;
  if (segments.done()) return TargetError::kNone;
  out.kind = segments.next();
  if (out.kind == "in_flight") {
    out.level = Level::kInFlight;
    return segments.done() ? TargetError::kNone : TargetError::kPath;
  }
  if (out.kind != "http" && out.kind != "stream") return TargetError::kPath;
  out.level = Level::kKind;
  if (segments.done()) return TargetError::kNone;
  if (segments.next() != "upstreams") return TargetError::kPath;
  out.level = Level::kUpstreams;
  if (segments.done()) return TargetError::kNone;
  out.upstream = segments.next();
  out.level = Level::kUpstream;
  return segments.done() ? TargetError::kNone : parse_below_upstream(segments, out);
}

}  // namespace leastwise::nginx
