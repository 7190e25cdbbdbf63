#include "tune/duration.h"

#include <charconv>

#include "leastwise/config.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

struct Unit {
  std::string_view suffix;
  Duration length;
};
constexpr Unit kUnits[] = {{"us", 1us}, {"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}};

}  // namespace

void print(Duration d, Text& out) noexcept {
  const Unit* unit = &kUnits[0];
  for (const Unit& u : kUnits) {
    if (d % u.length == Duration::zero()) unit = &u;
  }
  out << (d / unit->length) << unit->suffix;
}

void print_range(Duration min, Duration max, Text& out) noexcept {
  out << "a time from ";
  print(min, out);
  out << " to ";
  print(max, out);
  out << ", with a unit: us, ms, s, m or h";
}

Status parse_duration(std::string_view text, Duration min, Duration max, Duration& out) noexcept {
  constexpr Status::Code kBad = Status::Code::kBadValue;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return {kBad, "not a time"};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : kUnits) {
    if (text != unit.suffix) continue;
    if (number > max / unit.length || number * unit.length < min) {
      return {Status::Code::kOutOfRange, "out of range"};
    }
    out = number * unit.length;
    return {};
  }
  return {kBad, "unknown unit: use us, ms, s, m or h"};
}

}  // namespace leastwise
