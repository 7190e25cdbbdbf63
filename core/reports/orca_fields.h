// OrcaFields: gathers the figures of one report, whatever form it has.
#ifndef LEASTWISE_REPORTS_ORCA_FIELDS_H_
#define LEASTWISE_REPORTS_ORCA_FIELDS_H_

#include <cstdint>
#include <string_view>

#include "leastwise/config.h"
#include "leastwise/load_report.h"

namespace leastwise {

inline constexpr std::string_view kBlank = " \t";

inline std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && kBlank.find(text.front()) != kBlank.npos) text.remove_prefix(1);
  while (!text.empty() && kBlank.find(text.back()) != kBlank.npos) text.remove_suffix(1);
  return text;
}

class OrcaFields {
 public:
  // The metric outlives this.
  explicit OrcaFields(const ReportMetric& metric) noexcept : metric_(metric.name()) {}

  // A figure by its name, and the map that it is in: "" for none, else "utilization",
  // "named_metrics" or "request_cost". False: the report is to be refused.
  bool add(std::string_view map, std::string_view name, double value) noexcept;

  // REQUIRES: add() never said false.
  LoadReport report() const noexcept;

 private:
  struct Figure {
    float value = LoadReport::kUnknown;
    bool set(double v, double most) noexcept;
  };
  bool is_wanted(std::string_view map, std::string_view name) const noexcept;

  std::string_view metric_;
  Figure cpu_, memory_, application_, wanted_;
  std::uint32_t figures_ = 0;
};

// Each reads one form into the fields. False: refused.
bool read_orca_text(std::string_view text, OrcaFields& out) noexcept;
bool read_orca_json(std::string_view text, OrcaFields& out) noexcept;
bool read_orca_protobuf(std::string_view bytes, OrcaFields& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_REPORTS_ORCA_FIELDS_H_
