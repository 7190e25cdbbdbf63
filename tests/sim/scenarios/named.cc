#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "scenarios/catalogue.h"

namespace leastwise::sim {
namespace {

const std::vector<Route> kFive = {{.40, 1, Size::kLognormal, .5},
                                  {.30, 5, Size::kLognormal, .5},
                                  {.20, 20, Size::kLognormal, .5},
                                  {.08, 60, Size::kLognormal, .5},
                                  {.02, 200, Size::kLognormal, .5}};

std::string with_load(const std::string& name, double load) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "-%g", load);
  return name + text.data();
}

class Catalogue {
 public:
  Catalogue() {
    steady();
    equals();
    groups();
    stalls();
    uneven_sizes();
    faults();
    bursts_and_zones();
    localities();
    lies();
    distances();
    shapes();
    several_balancers();
    herds();
    large_pools();
    language_models();
    blocks();
    waits();
  }
  std::vector<Scenario> take() { return std::move(all_); }

 private:
  Scenario& add(const std::string& name, double load) {
    Scenario s;
    s.name = with_load(name, load);
    s.load = load;
    return all_.emplace_back(std::move(s));
  }

  void steady() {
    for (const double load : {0.5, 0.7, 0.85, 0.95}) {
      add("homo-exp", load);
      add("het4-exp", load).speed_spread = 4;
      for (const bool sharing : {false, true}) {
        Scenario& s = add(sharing ? "het4-routes-ps" : "het4-routes-fcfs", load);
        s.speed_spread = 4;
        s.routes = kFive;
        if (sharing) s.discipline = Discipline::kSharing;
      }
    }
  }

  // Eight servers of eight slots, all alike, with 60, 500 and 2,500 requests a second: whoever
  // looks at the shares expects equal ones.
  void equals() {
    for (const auto& [name, per_second] :
         {std::pair{"equal-idle", 60}, {"equal-low", 500}, {"equal-middle", 2500}}) {
      Scenario s;
      s.name = name;
      s.servers = 8;
      s.cores = {8};
      s.load = per_second * 0.01 / 64;
      s.duration_ms = 44000;
      all_.push_back(std::move(s));
    }
  }

  // Six of eight are alike, and two are four times slower: the six share what they get.
  void groups() {
    for (const auto& [name, per_second] :
         {std::pair{"groups-idle", 60}, {"groups-low", 500}, {"groups-middle", 1500}}) {
      Scenario s;
      s.name = name;
      s.servers = 8;
      s.cores = {4};
      s.speeds = {1, 1, 1, 1, 1, 1, 0.25, 0.25};
      s.load = per_second * 0.01 / 26;
      s.duration_ms = 44000;
      all_.push_back(std::move(s));
    }
  }

  // The same, and all eight stand still at once for a while: nobody is to pay for it.
  void stalls() {
    for (const auto& [name, ms] : {std::pair{"stall-500ms", 500}, {"stall-1500ms", 1500}}) {
      Scenario s = *std::ranges::find(all_, "groups-low", &Scenario::name);
      s.name = name;
      s.grey = {8, 1e-4, 14000, 14000.0 + ms};
      all_.push_back(std::move(s));
    }
  }

  void uneven_sizes() {
    for (const double load : {0.7, 0.85}) {
      Scenario& bimodal = add("het2-bimodal", load);
      bimodal.speed_spread = 2;
      bimodal.routes = {{1, 10, Size::kBimodal, 0}};
      Scenario& pareto = add("het2-pareto", load);
      pareto.speed_spread = 2;
      pareto.routes = {{1, 10, Size::kPareto, 1.5}};
      Scenario& sharing = add("antag-ps", load);
      sharing.discipline = Discipline::kSharing;
      sharing.antagonists = {4000, 8000, 0.3, 0.7};
      Scenario& first_come = add("antag-fcfs-het", load);
      first_come.speed_spread = 2;
      first_come.routes = kFive;
      first_come.antagonists = {3000, 9000, 0.2, 0.7};
    }
  }

  void faults() {
    const Grey grey{1, 0.05, 10000, 22000};
    add("grey10", 0.6).grey = grey;
    Scenario& routes = add("grey10-routes-ps", 0.6);
    routes.grey = grey;
    routes.discipline = Discipline::kSharing;
    routes.speed_spread = 2;
    routes.routes = kFive;
    Scenario& hang = add("hang", 0.6);
    hang.grey = {1, 0.0005, 10000, 25000};
    hang.timeout_ms = 3000;
    add("sink", 0.6).sinkhole = {1, 1, 10000, 20000};
    add("sink50", 0.6).sinkhole = {1, 0.5, 10000, 20000};
    add("restart", 0.6).restarts = {4, 1000, 8000, 0.15};
  }

  void bursts_and_zones() {
    Scenario& bursts = add("mmpp-het", 0.6);
    bursts.arrivals = Arrivals::kBursts;
    bursts.speed_spread = 4;
    bursts.routes = kFive;
    Scenario& flash = add("flash", 0.45);
    flash.arrivals = Arrivals::kFlash;
    flash.speed_spread = 4;
    flash.routes = kFive;
    for (const double load : {0.7, 0.4}) {
      Scenario& zones = add("zones", load);
      zones.servers = 12;
      zones.rtt_ms = {0.5, 2, 20};
    }
  }

  // Half of the servers are in another zone, next door: the traffic between zones is what costs.
  void localities() {
    for (const double load : {0.2, 0.4, 0.7}) {
      Scenario& s = add("locality", load);
      s.servers = 12;
      s.rtt_ms = {0.5, 1};
      s.remote = {0, 1};
    }
  }

  // One of ten always says that it has nothing to do, while it becomes slow.
  void lies() {
    Scenario& s = add("report-lies", 0.6);
    s.grey = {1, 0.3, 10000, 22000};
    s.reports = {-1, 0, -1, -1, -1, -1, -1, -1, -1, -1};
  }

  // Equal servers that share their time, at three distances: those far away look busy.
  void distances() {
    for (const double load : {0.5, 0.7, 0.85}) {
      Scenario& s = add("zones-ps", load);
      s.servers = 16;
      s.discipline = Discipline::kSharing;
      s.rtt_ms = {0.5, 2, 20};
      s.routes = {{1, 10, Size::kPareto, 1.5}};
    }
  }

  void shapes() {
    Scenario& cores = add("coreshet", 0.8);
    cores.servers = 12;
    cores.cores = {2, 4, 8};
    cores.speed_spread = 2;
    cores.routes = kFive;
    Scenario& single = add("single-core", 0.8);
    single.servers = 16;
    single.cores = {1};
    single.speed_spread = 2;
    single.routes = kFive;
    Scenario& three = add("n3", 0.7);
    three.servers = 3;
    three.speed_spread = 4;
    three.routes = kFive;
  }

  void several_balancers() {
    for (const std::uint32_t balancers : {2U, 4U, 10U, 50U}) {
      Scenario& s = add("multiLB" + std::to_string(balancers) + "-het", 0.8);
      s.balancers = balancers;
      s.servers = 20;
      s.speed_spread = 4;
      s.routes = kFive;
      s.duration_ms = 20000;
    }
    Scenario& s = add("multiLB4-antag", 0.75);
    s.balancers = 4;
    s.servers = 20;
    s.discipline = Discipline::kSharing;
    s.antagonists = {4000, 8000, 0.3, 0.7};
    s.duration_ms = 20000;
  }

  // Servers that are alike, each of which is away for a second and comes back idle: what balancers
  // that do not see each other make of that. Of many cores, so that chance is a small part of it.
  void herds() {
    for (const auto& [balancers, servers, cores] :
         {std::array{4U, 3U, 64U}, std::array{50U, 20U, 64U}}) {
      Scenario& s = add("herd" + std::to_string(balancers), 0.5);
      s.balancers = balancers;
      s.servers = servers;
      s.cores = {cores};
      s.restarts = {3, 1000, 1, 1};
      s.duration_ms = 14000;
    }
  }

  void large_pools() {
    const auto large = [this](const std::string& name, std::uint32_t servers) -> Scenario& {
      Scenario& s = add(name, 0.8);
      s.servers = servers;
      s.speed_spread = 4;
      s.routes = kFive;
      s.antagonists = {4000, 12000, 0.3, 0.7};
      s.duration_ms = 12000;
      s.warmup_ms = 3000;
      return s;
    };
    large("n100-antag-het", 100);
    large("n100-LB4-antag", 100).balancers = 4;
    Scenario& s = large("n1000-antag-het", 1000);
    s.cores = {2};
    s.duration_ms = 6000;
    s.warmup_ms = 2500;
  }

  void language_models() {
    for (const double load : {0.7, 0.9, 1.1}) {
      Scenario& s = add("llm-prefix", load);
      s.servers = 16;
      s.discipline = Discipline::kBatching;
      s.speed_spread = 1.5;
      s.routes = {{0.7, 1500, Size::kLognormal, 0.5}, {0.3, 6000, Size::kLognormal, 0.5}};
      s.prefixes = {400, 40};
      s.duration_ms = 900000;
      s.warmup_ms = 150000;
      s.timeout_ms = 120000;
    }
  }

  void blocks() {
    for (const double load : {0.2, 0.345, 0.5, 0.65, 0.8}) {
      Scenario& s = add("bhet", load);
      s.servers = 16;
      for (const double slowness : {1.0, 1.5, 2.5, 4.0}) {
        s.speeds.insert(s.speeds.end(), 4, 1 / slowness);
      }
      s.routes = {{1, 8, Size::kExponential, 0}};
    }
  }

  // Four servers, whose requests of 20 ms share them with requests that stay long. Those that wait
  // for news take nothing of the server; token streams and reports do.
  Scenario& add_waits(const std::string& name, double load, const std::vector<Route>& more) {
    constexpr double kQuickMs = 20;
    Scenario s;
    s.name = name;
    s.servers = 4;
    s.load = load;
    double quick = 1;
    for (const Route& route : more) quick -= route.share;
    s.routes.clear();
    if (quick > 0) s.routes.push_back({quick, kQuickMs, Size::kLognormal, .15});
    s.routes.insert(s.routes.end(), more.begin(), more.end());
    s.duration_ms = 120000;
    s.warmup_ms = 30000;
    s.timeout_ms = 120000;
    return all_.emplace_back(std::move(s));
  }

  void waits() {
    // 400 quick requests a second; so many times 15 s by Little's law.
    add_waits("long-polls-7", 0.5, {{7 / 15.0 / 400, 15000, Size::kFixed, 0, 1}});
    add_waits("long-polls-40", 0.5, {{40 / 15.0 / 400, 15000, Size::kFixed, 0, 1}});
    add_waits("notices", 0.5, {{40 / 15.0 / 400, 15000, Size::kExponential, 0, 1, 10}});
    Scenario& streams = add_waits("token-streams", 0.6, {{1, 3000, Size::kLognormal, .4, 0, 20}});
    streams.cores = {8};
    streams.duration_ms = 900000;
    Scenario& mixed = add_waits("streams-beside", 0.6, {{.01, 3000, Size::kLognormal, .4, 0, 20}});
    mixed.cores = {8};
    mixed.duration_ms = 400000;
    Scenario& reports = add_waits("reports", 0.6, {{.005, 3000, Size::kLognormal, .4}});
    reports.duration_ms = 400000;
    reports.servers = 8;
    Scenario& sharing = add_waits("reports-ps", 0.6, {{.005, 3000, Size::kLognormal, .4}});
    sharing.duration_ms = 400000;
    sharing.servers = 8;
    sharing.discipline = Discipline::kSharing;
  }

  std::vector<Scenario> all_;
};

}  // namespace

const std::vector<Scenario>& named_scenarios() {
  static const std::vector<Scenario> all = Catalogue().take();
  return all;
}

}  // namespace leastwise::sim
