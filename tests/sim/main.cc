// leastwise-sim: which policy suits which traffic. See README.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "access_log.h"
#include "experiment.h"
#include "gates.h"
#include "random_suite.h"
#include "report/report.h"
#include "scenarios/catalogue.h"
#include "scenarios/scenario_json.h"
#include "theory.h"

namespace leastwise::sim {
namespace {

struct Options {
  std::string filter, file, log, policy = "adaptive", csv, svg;
  std::string reference = std::string(kReference);
  std::vector<std::string> policies = {std::string(kReference), "adaptive"};
  std::vector<std::string> scripts;
  std::uint32_t seeds = 1, scenarios = 96;
  std::uint64_t first_seed = 1;
  double requests = 12000, speedup = 1;
  double worst_mean = Gate::kNone, worst_p99 = Gate::kNone;
  std::vector<double> at_most;  // geometric means of mean, p99, p99.9
  std::vector<std::uint32_t> balancers;
  bool quick = false, by_route = false;
  Scenario base;
  bool sharing = false;
};

void save(const std::string& path, const auto& write) {
  if (path.empty()) return;
  std::ofstream file(path);
  write(file);
  if (!file) throw std::runtime_error("can not write " + path);
}

void report(const Options& o, const std::vector<Row>& rows,
            const std::vector<std::string>& routes) {
  write_table(rows, o.reference, std::cout);
  if (o.by_route) {
    for (const Row& row : rows) write_routes(row, routes, std::cout);
  }
  save(o.csv, [&](std::ostream& out) { write_csv(rows, out); });
  save(o.svg, [&](std::ostream& out) { write_svg(rows, o.reference, out); });
}

std::vector<Row> measure_all(const Options& o, const Scenario& scenario) {
  std::vector<Row> rows;
  for (const std::string& name : o.policies) {
    rows.push_back(measure(scenario, policy_named(name), o.first_seed, o.seeds));
  }
  for (const std::string& file : o.scripts) {
    rows.push_back(measure(scenario, policy_named("lua:" + file), o.first_seed, o.seeds));
  }
  return rows;
}

int check(const Options&) {
  bool all = true;
  for (const Theory& theory : theories()) {
    const Proof proof = prove(theory);
    all = all && proof.holds();
    std::cout << theory.name << ": measured " << proof.measured_ms << " ms, by theory "
              << proof.expected_ms << (proof.holds() ? "" : ": WRONG") << std::endl;
  }
  return all ? 0 : 1;
}

int list(const Options&) {
  std::cout << "scenarios\n";
  for (const Scenario& s : named_scenarios()) std::cout << "  " << s.name << '\n';
  std::cout << "policies\n";
  for (const NamedPolicy& p : all_policies()) {
    std::cout << "  " << p.name << ": " << p.summary << '\n';
  }
  return 0;
}

int show(const Options& o) {
  for (const Scenario& s : named_scenarios()) {
    if (s.name != o.filter) continue;
    std::cout << to_json(s) << '\n';
    return 0;
  }
  throw std::invalid_argument("no scenario " + o.filter + "; see: leastwise-sim list");
}

int run(const Options& o) {
  std::vector<Row> rows;
  for (const Scenario& s : named_scenarios()) {
    if (s.name.find(o.filter) == std::string::npos) continue;
    Scenario shared = s;
    shared.share_late_ms = o.base.share_late_ms;
    shared.liars = o.base.liars;
    if (!o.balancers.empty()) shared.balancers = o.balancers.front();
    const std::vector<Row> more = measure_all(o, shared);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  if (rows.empty()) throw std::invalid_argument("no scenario contains " + o.filter);
  report(o, rows, {});
  return 0;
}

int run_file(const Options& o) {
  report(o, measure_all(o, scenario_from_file(o.file)), {});
  return 0;
}

int replay(const Options& o) {
  std::ifstream file(o.log);
  if (!file) throw std::invalid_argument("can not read " + o.log);
  const AccessLog log = read_access_log(file);
  Scenario base = o.base;
  base.name = o.log;
  if (o.sharing) base.discipline = Discipline::kSharing;
  const Scenario scenario = replay_scenario(log, base, o.speedup);
  std::cout << log.entries.size() << " requests of " << log.routes.size() << " routes, "
            << log.skipped << " lines skipped\n";
  report(o, measure_all(o, scenario), log.routes);
  return 0;
}

bool within(const Options& o, const Summary& s) {
  const double measured[] = {s.geometric_mean.mean, s.geometric_mean.p99, s.geometric_mean.p999};
  for (std::size_t i = 0; i < std::min<std::size_t>(3, o.at_most.size()); ++i) {
    if (measured[i] > o.at_most[i]) return false;
  }
  return s.worst.mean <= o.worst_mean && s.worst.p99 <= o.worst_p99;
}

int random(const Options& o) {
  const std::vector<Row> rows = measure_random(o.policies,
                                               {.scenarios = o.scenarios,
                                                .first_seed = o.first_seed,
                                                .seeds = o.seeds,
                                                .requests = o.requests,
                                                .balancers = o.balancers,
                                                .share_late_ms = o.base.share_late_ms,
                                                .liars = o.base.liars},
                                               std::cerr, o.reference);
  const std::vector<Summary> summaries = summarise(rows, o.reference);
  write_summaries(summaries, std::cout);
  save(o.csv, [&](std::ostream& out) { write_csv(rows, out); });
  bool all = true;
  for (const Summary& s : summaries) {
    if (s.policy != o.policy || within(o, s)) continue;
    std::cout << s.policy << " is not within the limits\n";
    all = false;
  }
  return all ? 0 : 1;
}

int gates(const Options& o) {
  std::vector<Gate> all = gates_from_file(o.file);
  if (o.quick) std::erase_if(all, [](const Gate& g) { return !g.quick; });
  const std::uint32_t failed = check_gates(all, o.policy, std::cout);
  std::cout << all.size() - failed << " of " << all.size() << " gates hold\n";
  return failed == 0 ? 0 : 1;
}

void policies_of(CLI::App& command, Options& o) {
  command.add_option("--policies", o.policies, "comma-separated, see list")->delimiter(',');
  command.add_option("--reference", o.reference, "ratios are to this policy");
  command.add_option("--csv", o.csv, "also write the figures to this file");
  command.add_option("--first-seed", o.first_seed);
  command.add_option("--seeds", o.seeds, "how many; figures are their average")
      ->check(CLI::PositiveNumber);
}

void measuring(CLI::App& command, Options& o) {
  policies_of(command, o);
  command.add_option("--lua", o.scripts, "also what this script says; may be given again");
  command.add_option("--svg", o.svg, "also plot to this file");
  command.add_flag("--by-route", o.by_route, "figures of each route, for the last seed");
}

// Of balancers that tell each other what they have: "adaptive+share".
void for_sharing(CLI::App& command, Options& o) {
  command.add_option("--share-late-ms", o.base.share_late_ms,
                     "what is told is heard so much later");
  command.add_option("--liars", o.base.liars, "so many balancers lie");
}

void for_run(CLI::App& command, Options& o) {
  command.add_option("FILTER", o.filter)->required();
  measuring(command, o);
  for_sharing(command, o);
  command.add_option("--balancers", o.balancers, "independent ones; else as the scenario says")
      ->expected(1)
      ->check(CLI::PositiveNumber);
}

void for_file(CLI::App& command, Options& o) {
  command.add_option("FILE", o.file, "JSON")->required();
  measuring(command, o);
}

void for_replay(CLI::App& command, Options& o) {
  command.add_option("LOG", o.log, "lines of TIME,ROUTE,SERVICE in seconds")->required();
  measuring(command, o);
  command.add_option("--servers", o.base.servers);
  command.add_option("--cores", o.base.cores, "of each server, repeated")->delimiter(',');
  command.add_option("--speeds", o.base.speeds, "of each server, repeated")->delimiter(',');
  command.add_option("--balancers", o.base.balancers);
  command.add_option("--rtt-ms", o.base.rtt_ms, "of each server, repeated")->delimiter(',');
  command.add_option("--timeout-ms", o.base.timeout_ms);
  command.add_option("--speedup", o.speedup, "play the log so many times as fast");
  command.add_flag("--sharing", o.sharing, "servers share themselves among all requests");
}

void for_random(CLI::App& command, Options& o) {
  policies_of(command, o);
  for_sharing(command, o);
  command.add_option("--scenarios", o.scenarios)->check(CLI::PositiveNumber);
  command.add_option("--requests", o.requests, "of each scenario, about");
  command.add_option("--balancers", o.balancers, "independent ones, in turn; else as it is drawn")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command.add_option("--limit", o.policy, "fail if this policy is not within");
  command.add_option("--at-most", o.at_most, "ratios of mean, p99, p99.9")->delimiter(',');
  command.add_option("--worst-mean", o.worst_mean);
  command.add_option("--worst-p99", o.worst_p99);
}

void for_gates(CLI::App& command, Options& o) {
  command.add_option("FILE", o.file, "JSON")->required();
  command.add_option("--policy", o.policy);
  command.add_flag("--quick", o.quick, "only those marked as quick");
}

struct Command {
  const char* name;
  const char* help;
  void (*options)(CLI::App&, Options&);
  int (*run)(const Options&);
};
constexpr Command kCommands[] = {
    {"list", "scenarios and policies", [](CLI::App&, Options&) {}, list},
    {"show", "print a named scenario as JSON",
     [](CLI::App& c, Options& o) { c.add_option("SCENARIO", o.filter)->required(); }, show},
    {"run", "run the named scenarios that contain FILTER", for_run, run},
    {"file", "run a scenario of your own", for_file, run_file},
    {"replay", "run the traffic of an access log", for_replay, replay},
    {"random", "run scenarios drawn by seed", for_random, random},
    {"gates", "check a policy against a file of limits", for_gates, gates},
    {"check", "prove the engine with queueing theory", [](CLI::App&, Options&) {}, check},
};

int parse_and_run(int argc, char** argv) {
  CLI::App app{"Which load balancing policy suits which traffic"};
  app.set_version_flag("--version", "leastwise-sim " LEASTWISE_VERSION);
  app.require_subcommand(1);
  Options options;
  for (const Command& c : kCommands) c.options(*app.add_subcommand(c.name, c.help), options);
  CLI11_PARSE(app, argc, argv);
  const auto chosen = std::find_if(std::begin(kCommands), std::end(kCommands),
                                   [&](const auto& c) { return app.got_subcommand(c.name); });
  return chosen->run(options);
}

}  // namespace
}  // namespace leastwise::sim

int main(int argc, char** argv) {
  try {
    return leastwise::sim::parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "leastwise-sim: " << error.what() << '\n';
    return 2;
  }
}
