#include "reports/orca.h"

#include <array>
#include <cmath>

#include "reports/base64.h"
#include "reports/orca_fields.h"

namespace leastwise {
namespace {

constexpr double kMostUtilisation = 1e6;  // all the more is no measurement
constexpr LoadReport kRefused{.state = LoadReport::State::kRefused};

bool take_word(std::string_view& text, std::string_view word) noexcept {
  if (!text.starts_with(word) || text.size() == word.size() || text[word.size()] != ' ')
    return false;
  text.remove_prefix(word.size() + 1);
  return true;
}

bool read_bin(std::string_view text, OrcaFields& out) noexcept {
  std::array<char, kMostReportBytes> buffer;
  std::string_view bytes;
  return decode_base64(text, buffer, bytes) && read_orca_protobuf(bytes, out);
}

LoadReport result(bool read, const OrcaFields& fields) noexcept {
  return read ? fields.report() : kRefused;
}

}  // namespace

bool OrcaFields::Figure::set(double v, double most) noexcept {
  if (value >= 0 || !(v >= 0 && v <= most)) return false;
  value = static_cast<float>(v);
  return true;
}

bool OrcaFields::is_wanted(std::string_view map, std::string_view name) const noexcept {
  if (map.empty()) return metric_ == name;
  return metric_.size() == map.size() + 1 + name.size() && metric_.starts_with(map) &&
         metric_[map.size()] == '.' && metric_.ends_with(name);
}

bool OrcaFields::add(std::string_view map, std::string_view name, double value) noexcept {
  if (!std::isfinite(value)) return false;
  ++figures_;
  if (is_wanted(map, name) && !wanted_.set(value, kMostUtilisation)) return false;
  if (!map.empty()) return true;
  if (name == "cpu_utilization") return cpu_.set(value, kMostUtilisation);
  if (name == "mem_utilization") return memory_.set(value, 1);
  if (name == "application_utilization") return application_.set(value, kMostUtilisation);
  return true;
}

LoadReport OrcaFields::report() const noexcept {
  if (figures_ == 0) return kRefused;
  float utilisation = wanted_.value;
  if (metric_ == "on") utilisation = application_.value > 0 ? application_.value : cpu_.value;
  return {LoadReport::State::kGood, cpu_.value, memory_.value, utilisation};
}

LoadReport read_orca(std::string_view value, const ReportMetric& metric) noexcept {
  value = trimmed(value);
  if (value.empty() || value.size() > kMostReportBytes) return kRefused;
  OrcaFields fields(metric);
  if (take_word(value, "JSON")) return result(read_orca_json(trimmed(value), fields), fields);
  if (take_word(value, "BIN")) return result(read_bin(trimmed(value), fields), fields);
  take_word(value, "TEXT");
  return result(read_orca_text(trimmed(value), fields), fields);
}

LoadReport read_orca_bin(std::string_view value, const ReportMetric& metric) noexcept {
  value = trimmed(value);
  if (value.empty() || value.size() > kMostReportBytes) return kRefused;
  OrcaFields fields(metric);
  return result(read_bin(value, fields), fields);
}

}  // namespace leastwise
