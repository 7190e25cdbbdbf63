#include "tune/duration.h"

#include <algorithm>
#include <charconv>

#include "leastwise/config.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

struct Unit {
  std::string_view suffix;
  Duration length;
};
constexpr Unit kUnits[] = {{"us", 1us}, {"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}};

// The unit at the start of `text`, as many letters as there are; none before the end means seconds.
const Unit* take_unit(std::string_view& text) noexcept {
  std::size_t letters = 0;
  while (letters < text.size() && text[letters] != ' ' &&
         (text[letters] < '0' || text[letters] > '9')) {
    ++letters;
  }
  const std::string_view suffix =
      letters == 0 && text.empty() ? "s" : std::string_view(text.data(), letters);
  text.remove_prefix(letters);
  for (const Unit& unit : kUnits) {
    if (unit.suffix == suffix) return &unit;
  }
  return nullptr;
}

}  // namespace

void print(Duration d, Text& out) noexcept {
  if (d == Duration::zero()) {  // of any unit
    out << "0s";
    return;
  }
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
  out << ", as 250ms, 30s, 30 (seconds) or 1m30s";
}

Status parse_duration(std::string_view text, Duration min, Duration max, Duration& out) noexcept {
  constexpr Status::Code kBad = Status::Code::kBadValue;
  Duration sum{};
  Duration before = Duration::max();  // the unit before: each is smaller than the last
  do {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) return {Status::Code::kOutOfRange, "out of range"};
    if (error != std::errc{} || number < 0) return {kBad, "not a time"};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const Unit* unit = take_unit(text);
    if (unit == nullptr) return {kBad, "unknown unit: use us, ms, s, m, h or d"};
    if (unit->length >= before) return {kBad, "larger units come first, each once: 1m30s"};
    if (number > (max - sum) / unit->length) return {Status::Code::kOutOfRange, "out of range"};
    sum += number * unit->length;
    before = unit->length;
    const std::size_t spaces = std::min(text.find_first_not_of(' '), text.size());
    if (spaces > 0 && spaces == text.size()) return {kBad, "not a time"};
    text.remove_prefix(spaces);
  } while (!text.empty());
  if (sum < min) return {Status::Code::kOutOfRange, "out of range"};
  out = sum;
  return {};
}

}  // namespace leastwise
