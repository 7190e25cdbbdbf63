#include "bench/backends/action.h"

#include <array>
#include <utility>

#include "bench/common/text.h"

namespace leastwise::bench {
namespace {

constexpr double kLongestMs = 3'600'000;
constexpr std::size_t kMostBytes = 1 << 24;
constexpr Duration kEventPause = from_ms(100);

constexpr std::array<std::pair<std::string_view, Ending>, 9> kPlainWords{{
    {"none", Ending::kWell},
    {"close", Ending::kClose},
    {"reset", Ending::kReset},
    {"truncate", Ending::kTruncate},
    {"truncate-chunked", Ending::kTruncateChunked},
    {"garbage", Ending::kGarbage},
    {"garbage-header", Ending::kGarbageHeader},
    {"stale", Ending::kStale},
    {"hang", Ending::kHang},
}};

bool parse_dribble(std::string_view bytes, std::string_view ms, Action& action) {
  const auto size = number_in<std::size_t>(bytes, 1, kMostBytes);
  const auto pause = number_in<double>(ms, 0, kLongestMs);
  if (!size || !pause) return false;
  action.ending = Ending::kDribble;
  action.dribble_bytes = *size;
  action.pause = from_ms(*pause);
  return true;
}

bool parse_stream(std::string_view least_ms, std::string_view most_ms, Action& action) {
  const auto least = number_in<double>(least_ms, 0, kLongestMs);
  const auto most = number_in<double>(most_ms, 0, kLongestMs);
  if (!least || !most || *least > *most) return false;
  action.ending = Ending::kStream;
  action.pause = kEventPause;
  action.shortest_stream = from_ms(*least);
  action.longest_stream = from_ms(*most);
  return true;
}

// Words that have one time.
bool parse_timed(std::string_view word, std::string_view text, Action& action) {
  const auto ms = number_in<double>(text, 0, kLongestMs);
  if (!ms) return false;
  if (word == "sleep") {
    action.sleep = from_ms(*ms);
  } else if (word == "wait") {
    action.wait = from_ms(*ms);
  } else if (word == "websocket" && *ms > 0) {
    action.ending = Ending::kWebsocket;
    action.pause = from_ms(*ms);
  } else {
    return false;
  }
  return true;
}

bool parse_word(std::string_view text, Action& action) {
  for (const auto& [word, ending] : kPlainWords) {
    if (text != word) continue;
    action.ending = ending;
    return true;
  }
  const auto parts = split(text, ':');
  if (parts.size() == 3 && parts[0] == "dribble") return parse_dribble(parts[1], parts[2], action);
  if (parts.size() == 2 && parts[0] == "status") {
    action.status = number_in<int>(parts[1], 200, 599);
    return action.status.has_value();
  }
  if (parts.size() == 3 && parts[0] == "stream") return parse_stream(parts[1], parts[2], action);
  return parts.size() == 2 && parse_timed(parts[0], parts[1], action);
}

}  // namespace

std::optional<Action> parse_action(std::string_view text) {
  Action action;
  const auto words = split(text, '+');
  if (words.empty()) return std::nullopt;
  for (const std::string_view word : words) {
    if (!parse_word(word, action)) return std::nullopt;
  }
  return action;
}

}  // namespace leastwise::bench
