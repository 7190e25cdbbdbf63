// "cpu_utilization=0.3, utilization.gpu=0.9"; older writers put a colon for the equals sign.
#include <algorithm>
#include <charconv>

#include "reports/orca_fields.h"

namespace leastwise {
namespace {

bool read_value(std::string_view text, double& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_item(std::string_view item, OrcaFields& out) noexcept {
  const std::size_t sign = item.find_first_of("=:");
  if (sign == item.npos) return false;
  std::string_view name = trimmed(item.substr(0, sign));
  double value = 0;
  if (name.empty() || name.find_first_of(kBlank) != name.npos) return false;
  if (!read_value(trimmed(item.substr(sign + 1)), value)) return false;
  std::string_view map;
  if (const std::size_t dot = name.find('.'); dot != name.npos) {
    map = name.substr(0, dot);
    name.remove_prefix(dot + 1);
    if (map.empty() || name.empty()) return false;
  }
  return out.add(map, name, value);
}

}  // namespace

bool read_orca_text(std::string_view text, OrcaFields& out) noexcept {
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (!read_item(text.substr(0, comma), out)) return false;
    if (comma == text.size()) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace leastwise
