// Report: what was measured, for people (a table, a plot) and for other tools (CSV).
// Pure functions of the rows.
#ifndef LEASTWISE_TESTS_SIM_REPORT_REPORT_H_
#define LEASTWISE_TESTS_SIM_REPORT_REPORT_H_

#include <ostream>
#include <span>
#include <string>

#include "experiment.h"

namespace leastwise::sim {

// The row of `reference` for the same scenario, nullptr if there is none.
const Row* reference_of(const Row& row, std::span<const Row> rows, std::string_view reference);

// One line per row. With a row of `reference` for the same scenario, ratios to it.
void write_table(std::span<const Row> rows, std::string_view reference, std::ostream& out);
// The figures by route of one row.
void write_routes(const Row& row, std::span<const std::string> names, std::ostream& out);
// One line per row and seed, with a header.
void write_csv(std::span<const Row> rows, std::ostream& out);
// Bars of mean, p99 and p99.9 by scenario and policy: ratios where every scenario has a row
// of `reference`, else milliseconds.
void write_svg(std::span<const Row> rows, std::string_view reference, std::ostream& out);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_REPORT_REPORT_H_
