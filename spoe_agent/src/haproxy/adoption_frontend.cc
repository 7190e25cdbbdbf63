#include "haproxy/adoption_frontend.h"

#include <algorithm>
#include <array>

#include "haproxy/adopted.h"
#include "haproxy/log_fields.h"

namespace leastwise::agent {
namespace {

constexpr std::array<std::string_view, 8> kLevels = {"emerg",   "alert",  "crit", "err",
                                                     "warning", "notice", "info", "debug"};
constexpr std::size_t kNotice = 5;

std::string_view profile(bool is_http) noexcept { return is_http ? "leastwise" : "leastwise-tcp"; }

bool is_level(std::string_view word) noexcept {
  return std::ranges::find(kLevels, word) != kLevels.end();
}

// log TARGET … FACILITY [MAXLEVEL [MINLEVEL]], with a limit that keeps out ordinary requests.
std::string without_ordinary(const HaproxyLine& line) {
  std::vector<std::string> words = line.words;
  std::size_t levels = 0;
  while (levels < 2 && is_level(words[words.size() - 1 - levels])) ++levels;
  const std::size_t at = words.size() - levels;
  if (levels == 0) {
    words.emplace_back("notice");
  } else if (std::ranges::find(kLevels, words[at]) - kLevels.begin() > std::ptrdiff_t{kNotice}) {
    words[at] = "notice";
  }
  std::string text = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) text += ' ' + words[i];
  return text;
}

// The user's own targets: `log global` stands for those of the section `global`.
std::vector<const HaproxyLine*> targets(const HaproxySection& frontend,
                                        std::span<const HaproxyLine> global) {
  std::vector<const HaproxyLine*> found;
  const auto add = [&](std::span<const HaproxyLine> lines, auto&& again) -> void {
    for (const HaproxyLine& line : lines) {
      if (!line.begins({"log"})) continue;
      if (line.word(1) != "global") {
        found.push_back(&line);
      } else if (lines.data() != global.data()) {
        again(global, again);
      }
    }
  };
  if (!frontend.lines.empty()) add(frontend.lines, add);
  if (found.empty()) add(frontend.defaults, add);
  return found;
}

// The option keeps ordinary requests from all logs, ours too. Without it the same requests stay
// out of the user's by their level.
void keep_ordinary_requests_out(const HaproxySection& frontend, std::span<const HaproxyLine> global,
                                std::string_view feedback, std::vector<std::string>& out) {
  if (frontend.find({"option", "dontlog-normal"}) == nullptr) return;
  if (frontend.find_own({"option", "dontlog-normal"}) != nullptr) {
    out.emplace_back("# instead of: option dontlog-normal");
  } else {
    out.emplace_back("no option dontlog-normal");
  }
  out.emplace_back("option log-separate-errors");
  for (const HaproxyLine& line : frontend.lines) {
    if (line.begins({"log"})) out.push_back("# without: " + line.text);
  }
  out.emplace_back("no log");
  for (const HaproxyLine* line : targets(frontend, global)) {
    if (!is_our_log(*line, feedback)) out.push_back(without_ordinary(*line));
  }
}

// What a format can not say before the end of a request: times, bytes, counts, how it ended.
constexpr std::array<std::string_view, 19> kOfTheEnd = {"B",  "U",  "Ta", "Td", "Tt", "Tu", "Tw",
                                                        "Tc", "Tr", "TR", "ts", "ac", "fc", "bc",
                                                        "sc", "rc", "sq", "bq", "Ti"};

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Behind a '%': a name in "()" and flags in "{}" may come before the word.
std::string_view word_of(std::string_view text) noexcept {
  for (const std::string_view brackets : {"()", "{}"}) {
    if (text.empty() || text.front() != brackets[0]) continue;
    text.remove_prefix(std::min(text.find(brackets[1]), text.size() - 1) + 1);
  }
  std::size_t end = 0;
  while (end < text.size() && is_letter(text[end])) ++end;
  text.remove_suffix(text.size() - end);
  return text;
}

bool waits_for_the_end(std::string_view format) noexcept {
  for (std::size_t at = 0; (at = format.find('%', at)) != format.npos;) {
    std::string_view rest = format;
    rest.remove_prefix(++at);
    if (rest.starts_with('%')) {
      ++at;  // a per cent sign
    } else if (std::ranges::find(kOfTheEnd, word_of(rest)) != kOfTheEnd.end()) {
      return true;
    }
  }
  return false;
}

void add_format(const HaproxySection& frontend, std::vector<std::string>& out) {
  const LogFormat format = with_log_fields(frontend);
  if (!format.note.empty()) out.push_back("# note: " + std::string(format.note));
  if (format.line.empty()) return;
  const HaproxyLine* old = frontend.find_own({"log-format"});
  for (const std::string_view named : {"httplog", "httpslog", "tcplog"}) {
    if (old == nullptr) old = frontend.find_own({"option", named});
  }
  if (old != nullptr) out.push_back("# instead of: " + old->text);
  out.push_back(format.line);
}

}  // namespace

std::vector<std::string> frontend_lines(const HaproxySection& frontend,
                                        std::span<const HaproxyLine> global, HaproxyVersion version,
                                        std::string_view feedback) {
  std::vector<std::string> out;
  keep_ordinary_requests_out(frontend, global, feedback, out);
  const bool begins_anew = !out.empty();  // with `no log`
  // Of a length that has room for the user's fields and load reports before ours end.
  std::string target = "log " + std::string(feedback) + " len 8192 format raw ";
  const bool has_profile = uses_log_profile(frontend, version);
  if (has_profile) target += "profile " + std::string(profile(frontend.is_http())) + ' ';
  if (begins_anew || !has_our_log(frontend, feedback)) out.push_back(target + "local0");
  if (!has_profile) add_format(frontend, out);
  return out;
}

// HAProxy logs, to all targets, once the frontend's own format has all that it needs: with one that
// needs nothing of the end of a request a profile would come too early. Steps of the user's own may
// leave the end out.
bool uses_log_profile(const HaproxySection& frontend, HaproxyVersion version) noexcept {
  if (!version.has_log_profiles() || frontend.find({"log-steps"}) != nullptr ||
      frontend.find({"option", "logasap"}) != nullptr) {
    return false;
  }
  if (const HaproxyLine* own = own_log_format(frontend); own != nullptr) {
    // Ours may be in it from an earlier HAProxy.
    return waits_for_the_end(own->word(1)) && own->text.find("txn.leastwise.id") == own->text.npos;
  }
  return frontend.find({"option", "httplog"}) != nullptr ||
         frontend.find({"option", "httpslog"}) != nullptr ||
         frontend.find({"option", "tcplog"}) != nullptr;
}

std::string log_profiles(HaproxyVersion version, bool has_http, bool has_tcp) {
  std::string text;
  for (const bool is_http : {true, false}) {
    if (!version.has_log_profiles() || !(is_http ? has_http : has_tcp)) continue;
    text += "log-profile " + std::string(profile(is_http)) + "\n    on close format \"";
    text += log_fields(is_http);
    text += "\"\n";
  }
  return text;
}

}  // namespace leastwise::agent
