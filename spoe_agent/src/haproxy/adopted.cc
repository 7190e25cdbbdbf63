#include "haproxy/adopted.h"

#include <algorithm>

namespace leastwise::agent {
namespace {

// What follows a keyword; empty if it is not there.
std::string_view behind(const HaproxyLine& line, std::string_view keyword) noexcept {
  const auto found = std::ranges::find(line.words, keyword);
  if (found == line.words.end() || found + 1 == line.words.end()) return {};
  return *(found + 1);
}

// By its engine, or by its file: engines are also named after backends.
bool is_our_filter(const HaproxyLine& line) noexcept {
  if (!line.begins({"filter", "spoe"})) return false;
  const std::string_view file = behind(line, "config");
  return engine_of(line).starts_with("leastwise") ||
         file.find("leastwise", file.rfind('/') + 1) != file.npos;
}

}  // namespace

std::string_view engine_of(const HaproxyLine& filter) noexcept { return behind(filter, "engine"); }

const HaproxyLine* our_filter(const HaproxySection& section) noexcept {
  const auto found = std::ranges::find_if(section.lines, is_our_filter);
  return found == section.lines.end() ? nullptr : &*found;
}

std::string_view spoe_file_in(std::span<const HaproxySection> file) noexcept {
  for (const HaproxySection& section : file) {
    const HaproxyLine* filter = our_filter(section);
    if (filter == nullptr) continue;
    const std::string_view path = behind(*filter, "config");
    if (path.starts_with('/')) return path;
  }
  return {};
}

std::vector<std::string> engines_in(std::string_view spoe_text) {
  std::vector<std::string> found;
  while (!spoe_text.empty()) {
    const std::size_t end = spoe_text.find('\n');
    std::string_view line = spoe_text.substr(0, end);
    spoe_text.remove_prefix(end == spoe_text.npos ? spoe_text.size() : end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with('[')) found.emplace_back(line.substr(1, line.find(']') - 1));
  }
  return found;
}

bool is_our_log(const HaproxyLine& line, std::string_view feedback) noexcept {
  return line.begins({"log"}) && line.word(1) == feedback;
}

bool has_our_log(const HaproxySection& frontend, std::string_view feedback) noexcept {
  const auto is_ours = [&](const HaproxyLine& line) { return is_our_log(line, feedback); };
  return std::ranges::any_of(frontend.lines, is_ours) ||
         std::ranges::any_of(frontend.defaults, is_ours);
}

bool has_line(const HaproxySection& section,
              std::initializer_list<std::string_view> first) noexcept {
  return std::ranges::any_of(section.lines,
                             [&](const HaproxyLine& line) { return line.begins(first); });
}

}  // namespace leastwise::agent
