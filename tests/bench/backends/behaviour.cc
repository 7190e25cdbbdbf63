#include "bench/backends/behaviour.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/common/text.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

using nlohmann::json;

template <class Number>
bool read(const json& value, Number least, Number most, Number& target) {
  if (!value.is_number()) return false;
  const double number = value.get<double>();
  if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most))) return false;
  if (std::is_integral_v<Number> && number != std::floor(number)) return false;
  target = static_cast<Number>(number);
  return true;
}

// 0 and 1 as well: that is what people write in a query.
bool read(const json& value, bool& target) {
  int number = 0;
  if (value.is_boolean()) {
    target = value.get<bool>();
  } else if (read(value, 0, 1, number)) {
    target = number == 1;
  } else {
    return false;
  }
  return true;
}

bool read_ms(const json& value, Duration& target) {
  double ms = 0;
  if (!read(value, 0.0, 3.6e6, ms)) return false;
  target = from_ms(ms);
  return true;
}

bool read_warm_up(const json& value, WarmUp& target) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  const auto parts = split(text, ':');
  if (parts.size() != 2) return false;
  const auto from = number_in(parts[0], 0.001, 1e6);
  const auto seconds = number_in(parts[1], 0.0, 1e6);
  if (!from || !seconds) return false;
  target = {*from, from_seconds(*seconds)};
  return true;
}

// `parse` turns text into an optional of the target's type.
template <class Target, class Parse>
bool read_text(const json& value, Target& target, Parse parse) {
  if (!value.is_string()) return false;
  const auto found = parse(value.get_ref<const std::string&>());
  if (found) target = *found;
  return found.has_value();
}

struct Key {
  std::string_view name;
  std::string_view accepted;
  bool (*set)(Behaviour&, const json&);
};

constexpr std::string_view kShare = "a number from 0 to 1";
constexpr std::string_view kBool = "true or false";
constexpr std::string_view kMs = "milliseconds from 0 to 3600000";

constexpr std::array<Key, 17> kKeys{{
    {"slots", "a whole number from 0 (no limit) to 1000000",
     [](Behaviour& b, const json& v) { return read(v, 0, 1'000'000, b.slots); }},
    {"queue_limit", "a whole number from 0 to 1000000",
     [](Behaviour& b, const json& v) { return read(v, 0, 1'000'000, b.queue_limit); }},
    {"slow", "a number from 0.001 to 1000000",
     [](Behaviour& b, const json& v) { return read(v, 0.001, 1e6, b.slow); }},
    {"distance_ms", kMs, [](Behaviour& b, const json& v) { return read_ms(v, b.distance); }},
    {"error_share", kShare,
     [](Behaviour& b, const json& v) { return read(v, 0.0, 1.0, b.error_share); }},
    {"error_ms", kMs, [](Behaviour& b, const json& v) { return read_ms(v, b.error_time); }},
    {"error_status", "a whole number from 400 to 599",
     [](Behaviour& b, const json& v) { return read(v, 400, 599, b.error_status); }},
    {"hang", kBool, [](Behaviour& b, const json& v) { return read(v, b.hangs); }},
    {"down", kBool, [](Behaviour& b, const json& v) { return read(v, b.is_down); }},
    {"distribution", kDistributionNames,
     [](Behaviour& b, const json& v) { return read_text(v, b.distribution, distribution_named); }},
    {"sigma", "a number from 0 to 4",
     [](Behaviour& b, const json& v) { return read(v, 0.0, 4.0, b.sigma); }},
    {"body_bytes", "a whole number from 0 to 16777216",
     [](Behaviour& b, const json& v) {
       return read(v, std::size_t{0}, std::size_t{1} << 24, b.body_bytes);
     }},
    {"load_report", kBool,
     [](Behaviour& b, const json& v) { return read(v, b.sends_load_report); }},
    {"warm_up", "\"TIMES:SECONDS\" such as \"10:5\" (10 times as slow, falling to 1 in 5 s)",
     [](Behaviour& b, const json& v) { return read_warm_up(v, b.warm_up); }},
    {"do", kActionGrammar,
     [](Behaviour& b, const json& v) { return read_text(v, b.action, parse_action); }},
    {"do_share", kShare,
     [](Behaviour& b, const json& v) { return read(v, 0.0, 1.0, b.action_share); }},
    {"close_after", "a whole number from 0 (never) to 1000000",
     [](Behaviour& b, const json& v) { return read(v, 0U, 1'000'000U, b.close_after); }},
}};

std::string all_keys(std::string_view others) {
  std::string names(others);
  for (const Key& key : kKeys) names.append(names.empty() ? "" : ", ").append(key.name);
  return names;
}

}  // namespace

void set_key(Behaviour& target, const std::string& where, std::string_view key, const json& value,
             std::string_view other_keys) {
  for (const Key& known : kKeys) {
    if (known.name != key) continue;
    if (known.set(target, value)) return;
    throw refused(where + "." + std::string(key), value.dump(), std::string(known.accepted));
  }
  throw refused(where, "the key \"" + std::string(key) + "\"", all_keys(other_keys));
}

json json_from_text(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_number() || value.is_boolean() ? value : json(text);
}

}  // namespace leastwise::bench
