#include <algorithm>
#include <iomanip>
#include <sstream>

#include "report/report.h"

namespace leastwise::sim {
namespace {

std::string fixed(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

int widest(std::span<const Row> rows, std::string Row::*member) {
  std::size_t width = 8;
  for (const Row& row : rows) width = std::max(width, (row.*member).size());
  return static_cast<int>(width) + 2;
}

}  // namespace

const Row* reference_of(const Row& row, std::span<const Row> rows, std::string_view reference) {
  for (const Row& r : rows) {
    if (r.scenario == row.scenario && r.policy == reference) return &r;
  }
  return nullptr;
}

void write_table(std::span<const Row> rows, std::string_view reference, std::ostream& out) {
  const int scenario = widest(rows, &Row::scenario);
  const int policy = widest(rows, &Row::policy);
  out << std::left << std::setw(scenario) << "scenario" << std::setw(policy) << "policy"
      << std::right << std::setw(9) << "mean ms" << std::setw(9) << "p50" << std::setw(9) << "p99"
      << std::setw(10) << "p99.9" << std::setw(9) << "errors" << std::setw(24)
      << "mean/p99/p99.9 ratio" << '\n';
  for (const Row& row : rows) {
    const Figures& f = row.figures;
    out << std::left << std::setw(scenario) << row.scenario << std::setw(policy) << row.policy
        << std::right << std::setw(9) << fixed(f.mean, 2) << std::setw(9) << fixed(f.p50, 2)
        << std::setw(9) << fixed(f.p99, 1) << std::setw(10) << fixed(f.p999, 1) << std::setw(9)
        << fixed(f.error_share, 5);
    if (const Row* base = reference_of(row, rows, reference)) {
      const Ratios r = ratios(row, *base);
      out << std::setw(24) << fixed(r.mean, 3) + "/" + fixed(r.p99, 3) + "/" + fixed(r.p999, 3);
    }
    out << "  share " << fixed(f.least_share, 2) + "-" + fixed(f.most_share, 2);
    if (f.remote_share > 0) out << "  remote " << fixed(f.remote_share, 3);
    out << '\n';
  }
}

void write_routes(const Row& row, std::span<const std::string> names, std::ostream& out) {
  out << row.scenario << ", " << row.policy << ": by route, ms\n"
      << std::setw(10) << "requests" << std::setw(10) << "mean" << std::setw(10) << "p99"
      << std::setw(10) << "p99.9"
      << "  route\n";
  for (std::size_t i = 0; i < row.routes.size(); ++i) {
    const Latencies& l = row.routes[i];
    out << std::setw(10) << l.count() << std::setw(10) << fixed(l.mean(), 2) << std::setw(10)
        << fixed(l.quantile(0.99), 1) << std::setw(10) << fixed(l.quantile(0.999), 1) << "  "
        << (i < names.size() ? names[i] : std::to_string(i)) << '\n';
  }
}

void write_csv(std::span<const Row> rows, std::ostream& out) {
  out << "scenario,policy,seed,requests,mean_ms,p50_ms,p99_ms,p999_ms,error_share\n";
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.seeds.size(); ++i) {
      const Figures& f = row.by_seed[i];
      out << std::quoted(row.scenario, '"', '"') << ',' << row.policy << ',' << row.seeds[i] << ','
          << f.requests << ',' << fixed(f.mean, 4) << ',' << fixed(f.p50, 4) << ','
          << fixed(f.p99, 4) << ',' << fixed(f.p999, 4) << ',' << fixed(f.error_share, 6) << '\n';
    }
  }
}

}  // namespace leastwise::sim
