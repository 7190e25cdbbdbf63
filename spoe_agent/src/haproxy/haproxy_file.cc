#include "haproxy/haproxy_file.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

namespace leastwise::agent {
namespace {

constexpr std::array<std::string_view, 17> kSections = {
    "global",      "defaults", "frontend",    "backend",     "listen", "peers",
    "resolvers",   "userlist", "mailers",     "program",     "cache",  "ring",
    "http-errors", "fcgi-app", "log-forward", "log-profile", "traces"};

std::string_view trimmed(std::string_view line) noexcept {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = line.find_first_not_of(kSpace);
  if (begin == line.npos) return {};
  return line.substr(begin, line.find_last_not_of(kSpace) + 1 - begin);
}

// Of "quoted", 'quoted' and \escaped text, as HAProxy's manual says in section 2.2.
class Words {
 public:
  explicit Words(std::string_view line) : line_(line) {}

  std::vector<std::string> all() {
    for (; at_ < line_.size(); ++at_) {
      const char c = line_[at_];
      if (quote_ == 0 && (c == ' ' || c == '\t')) {
        end_word();
      } else if (quote_ == 0 && c == '#') {
        line_ = line_.substr(0, at_);
        break;
      } else {
        take(c);
      }
    }
    end_word();
    return std::move(words_);
  }

  std::string_view read() const noexcept { return trimmed(line_); }  // without a comment

 private:
  void take(char c) {
    if (c == quote_) {
      quote_ = 0;
    } else if (quote_ == 0 && (c == '"' || c == '\'')) {
      quote_ = c;
      is_open_ = true;
    } else {
      if (c == '\\' && quote_ != '\'' && at_ + 1 < line_.size()) c = line_[++at_];
      word_ += c;
      is_open_ = true;
    }
  }
  void end_word() {
    if (is_open_) words_.push_back(std::move(word_));
    word_.clear();
    is_open_ = false;
  }

  std::string_view line_;
  std::size_t at_ = 0;
  char quote_ = 0;
  bool is_open_ = false;
  std::string word_;
  std::vector<std::string> words_;
};

const HaproxyLine* last_of(std::span<const HaproxyLine> lines,
                           std::initializer_list<std::string_view> first, bool& taken_back) {
  for (std::size_t i = lines.size(); i-- > 0;) {
    if (lines[i].begins(first)) return &lines[i];
    HaproxyLine rest = lines[i];
    if (!rest.begins({"no"})) continue;
    rest.words.erase(rest.words.begin());
    if (!rest.begins(first)) continue;
    taken_back = true;
    return nullptr;
  }
  return nullptr;
}

bool is_proxy(std::string_view kind) noexcept {
  return kind == "frontend" || kind == "backend" || kind == "listen" || kind == "defaults";
}

class FileParser {
 public:
  void add(std::string_view text) {
    Words words(text);
    HaproxyLine line{.words = words.all(), .text = {}};
    line.text = words.read();
    if (line.words.empty() || line.words.front().starts_with('.')) return;
    if (std::ranges::find(kSections, line.words.front()) != kSections.end()) {
      begin(line);
    } else if (!sections_.empty()) {
      sections_.back().lines.push_back(std::move(line));
    }
  }

  std::vector<HaproxySection> take() {
    end();
    return std::move(sections_);
  }

 private:
  void begin(const HaproxyLine& head) {
    end();
    HaproxySection section{.kind = head.words[0], .name = {}, .lines = {}, .defaults = {}};
    if (head.word(1) != "from") section.name = head.word(1);
    const auto from = std::ranges::find(head.words, "from");
    const bool is_named = from != head.words.end() && from + 1 != head.words.end();
    if (is_proxy(section.kind)) section.defaults = is_named ? named_[*(from + 1)] : last_;
    // One `defaults` section does not inherit from the one before it, unless it says so.
    if (section.kind == "defaults" && !is_named) section.defaults.clear();
    sections_.push_back(std::move(section));
  }

  void end() {
    if (sections_.empty() || sections_.back().kind != "defaults") return;
    const HaproxySection& section = sections_.back();
    std::vector<HaproxyLine> all = section.defaults;
    all.insert(all.end(), section.lines.begin(), section.lines.end());
    named_[section.name] = all;
    last_ = std::move(all);
  }

  std::vector<HaproxySection> sections_;
  std::map<std::string, std::vector<HaproxyLine>, std::less<>> named_;
  std::vector<HaproxyLine> last_;
};

}  // namespace

bool HaproxyLine::begins(std::initializer_list<std::string_view> first) const noexcept {
  return words.size() >= first.size() && std::equal(first.begin(), first.end(), words.begin());
}

const HaproxyLine* HaproxySection::find_own(
    std::initializer_list<std::string_view> first) const noexcept {
  bool taken_back = false;
  return last_of(lines, first, taken_back);
}

const HaproxyLine* HaproxySection::find(
    std::initializer_list<std::string_view> first) const noexcept {
  bool taken_back = false;
  const HaproxyLine* found = last_of(lines, first, taken_back);
  return found != nullptr || taken_back ? found : last_of(defaults, first, taken_back);
}

bool HaproxySection::is_http() const noexcept {
  const HaproxyLine* mode = find({"mode"});
  return mode != nullptr && mode->word(1) == "http";
}

std::vector<HaproxySection> parse_haproxy_file(std::string_view text) {
  FileParser parser;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    parser.add(trimmed(text.substr(0, end)));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return parser.take();
}

}  // namespace leastwise::agent
