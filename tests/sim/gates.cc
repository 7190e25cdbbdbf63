#include "gates.h"

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "experiment.h"
#include "scenarios/catalogue.h"

namespace leastwise::sim {
namespace {

constexpr std::uint64_t kFirstSeed = 1;

const Scenario& scenario_named(const std::string& name) {
  for (const Scenario& s : named_scenarios()) {
    if (s.name == name) return s;
  }
  throw std::invalid_argument("no scenario " + name);
}

void print(double value, double limit, std::ostream& out) {
  out << std::setw(8) << value;
  if (limit < Gate::kNone) {
    out << (value <= limit ? " <=" : " > ") << std::setw(6) << limit;
  } else {
    out << std::setw(9) << "";
  }
}

bool holds(const Gate& gate, const Ratios& r, const Figures& f) {
  return r.mean <= gate.mean && r.p99 <= gate.p99 && r.p999 <= gate.p999 &&
         f.error_share <= gate.errors && f.remote_share <= gate.remote &&
         f.least_share >= gate.least_share && f.most_share <= gate.most_share &&
         f.start_peak <= gate.start_peak && f.return_peak <= gate.return_peak;
}

}  // namespace

std::vector<Gate> gates_from_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("can not read " + path);
  std::vector<Gate> gates;
  try {
    for (const auto& json : nlohmann::json::parse(file)) {
      gates.push_back({.scenario = json.at("scenario").get<std::string>(),
                       .policy = json.value("policy", std::string()),
                       .against = json.value("against", std::string(kReference)),
                       .mean = json.value("mean", Gate::kNone),
                       .p99 = json.value("p99", Gate::kNone),
                       .p999 = json.value("p999", Gate::kNone),
                       .errors = json.value("errors", Gate::kNone),
                       .remote = json.value("remote", Gate::kNone),
                       .least_share = json.value("least_share", 0.0),
                       .most_share = json.value("most_share", Gate::kNone),
                       .start_peak = json.value("start_peak", Gate::kNone),
                       .return_peak = json.value("return_peak", Gate::kNone),
                       .seeds = json.value("seeds", Gate::kSeeds),
                       .quick = json.value("quick", false)});
      scenario_named(gates.back().scenario);
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(path + ": " + error.what());
  }
  return gates;
}

std::uint32_t check_gates(const std::vector<Gate>& gates, const std::string& policy,
                          std::ostream& out) {
  std::uint32_t failed = 0;
  out << std::left << std::setw(24) << "scenario" << std::right << std::setw(17) << "mean"
      << std::setw(17) << "p99" << std::setw(17) << "p99.9" << std::setw(17) << "errors\n";
  for (const Gate& gate : gates) {
    const Scenario& scenario = scenario_named(gate.scenario);
    const Row base = measure(scenario, policy_named(gate.against), kFirstSeed, gate.seeds);
    const std::string& name = gate.policy.empty() ? policy : gate.policy;
    const Row row = measure(scenario, policy_named(name), kFirstSeed, gate.seeds);
    const Ratios r = ratios(row, base);
    const bool held = holds(gate, r, row.figures);
    failed += held ? 0 : 1;
    out << std::left << std::setw(24) << gate.scenario << std::right << std::fixed
        << std::setprecision(3);
    print(r.mean, gate.mean, out);
    print(r.p99, gate.p99, out);
    print(r.p999, gate.p999, out);
    out << std::setprecision(4);
    print(row.figures.error_share, gate.errors, out);
    if (gate.remote < Gate::kNone) print(row.figures.remote_share, gate.remote, out);
    if (gate.least_share > 0) {
      out << "  shares " << row.figures.least_share << " >= " << gate.least_share;
      print(row.figures.most_share, gate.most_share, out);
    }
    if (std::min(gate.start_peak, gate.return_peak) < Gate::kNone) {
      out << std::setprecision(2) << "  peaks";
      print(row.figures.start_peak, gate.start_peak, out);
      print(row.figures.return_peak, gate.return_peak, out);
    }
    out << (held ? "  holds" : "  DOES NOT HOLD");
    if (!gate.policy.empty()) out << "  " << name << " against " << gate.against;
    out << std::endl;
  }
  return failed;
}

}  // namespace leastwise::sim
