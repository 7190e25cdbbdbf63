#include "scenarios/scenario_json.h"

#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace leastwise::sim {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void fail(const std::string& message) { throw std::invalid_argument(message); }

template <typename E>
struct Word {
  E value;
  const char* text;
};
constexpr std::initializer_list<Word<Discipline>> kDisciplines = {
    {Discipline::kFirstCome, "first_come"},
    {Discipline::kSharing, "sharing"},
    {Discipline::kBatching, "batching"}};
constexpr std::initializer_list<Word<Arrivals>> kArrivals = {
    {Arrivals::kPoisson, "poisson"}, {Arrivals::kBursts, "bursts"}, {Arrivals::kFlash, "flash"}};
constexpr std::initializer_list<Word<Size>> kSizes = {{Size::kExponential, "exponential"},
                                                      {Size::kFixed, "fixed"},
                                                      {Size::kLognormal, "lognormal"},
                                                      {Size::kPareto, "pareto"},
                                                      {Size::kBimodal, "bimodal"}};
constexpr auto words(Discipline) { return kDisciplines; }
constexpr auto words(Arrivals) { return kArrivals; }
constexpr auto words(Size) { return kSizes; }

// `visit` is given each member by name: one list serves for reading and for writing.
template <typename Visit>
void members(Route& r, Visit visit) {
  visit("share", r.share);
  visit("mean_ms", r.mean_ms);
  visit("size", r.size);
  visit("shape", r.shape);
  visit("idle", r.idle);
  visit("first_byte_ms", r.first_byte_ms);
}
template <typename Visit>
void members(Antagonists& a, Visit visit) {
  visit("on_ms", a.on_ms);
  visit("off_ms", a.off_ms);
  visit("low", a.low);
  visit("high", a.high);
}
template <typename Visit>
void members(Grey& g, Visit visit) {
  visit("servers", g.servers);
  visit("factor", g.factor);
  visit("from_ms", g.from_ms);
  visit("to_ms", g.to_ms);
}
template <typename Visit>
void members(Sinkhole& s, Visit visit) {
  visit("servers", s.servers);
  visit("probability", s.probability);
  visit("from_ms", s.from_ms);
  visit("to_ms", s.to_ms);
}
template <typename Visit>
void members(Restarts& r, Visit visit) {
  visit("count", r.count);
  visit("down_ms", r.down_ms);
  visit("warm_ms", r.warm_ms);
  visit("warm_from", r.warm_from);
}
template <typename Visit>
void members(Prefixes& p, Visit visit) {
  visit("groups", p.groups);
  visit("cached", p.cached);
}
template <typename Visit>
void members(Scenario& s, Visit visit) {
  visit("name", s.name);
  visit("servers", s.servers);
  visit("balancers", s.balancers);
  visit("share_ms", s.share_ms);
  visit("share_late_ms", s.share_late_ms);
  visit("liars", s.liars);
  visit("cores", s.cores);
  visit("discipline", s.discipline);
  visit("speed_spread", s.speed_spread);
  visit("speeds", s.speeds);
  visit("rtt_ms", s.rtt_ms);
  visit("remote", s.remote);
  visit("round_trips", s.round_trips);
  visit("weights", s.weights);
  visit("reports", s.reports);
  visit("load", s.load);
  visit("arrivals", s.arrivals);
  visit("routes", s.routes);
  visit("antagonists", s.antagonists);
  visit("grey", s.grey);
  visit("sinkhole", s.sinkhole);
  visit("restarts", s.restarts);
  visit("prefixes", s.prefixes);
  visit("timeout_ms", s.timeout_ms);
  visit("duration_ms", s.duration_ms);
  visit("warmup_ms", s.warmup_ms);
  visit("seed", s.seed);
}

template <typename T>
void read(const Json& json, const std::string& where, T& out);

template <typename T>
void read(const Json& json, const std::string& where, std::vector<T>& out) {
  if (!json.is_array()) fail(where + ": a list is wanted");
  out.clear();
  for (const Json& item : json) read(item, where, out.emplace_back());
}

template <typename T>
void read(const Json& json, const std::string& where, T& out) {
  if constexpr (std::is_enum_v<T>) {
    std::string known;
    for (const auto& word : words(out)) {
      if (json.is_string() && json.get_ref<const std::string&>() == word.text) {
        out = word.value;
        return;
      }
      known += std::string(known.empty() ? "" : ", ") + word.text;
    }
    fail(where + ": one of " + known);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!json.is_string()) fail(where + ": a text is wanted");
    out = json.get<std::string>();
  } else if constexpr (std::is_integral_v<T>) {
    if (!json.is_number_unsigned()) fail(where + ": a whole number is wanted");
    out = json.get<T>();
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!json.is_number()) fail(where + ": a number is wanted");
    out = json.get<T>();
  } else {
    if (!json.is_object()) fail(where + ": an object is wanted");
    std::size_t used = 0;
    std::string known;
    members(out, [&](const char* name, auto& member) {
      known += std::string(known.empty() ? "" : ", ") + name;
      const auto at = json.find(name);
      if (at == json.end()) return;
      ++used;
      read(*at, where.empty() ? name : where + "." + name, member);
    });
    if (used != json.size()) {
      fail((where.empty() ? "scenario" : where) + ": unknown member; there are " + known);
    }
  }
}

template <typename T>
Json write(std::vector<T>& values);

template <typename T>
Json write(T& value) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& word : words(value)) {
      if (word.value == value) return word.text;
    }
    return nullptr;
  } else if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string>) {
    Json json = Json::object();
    members(value, [&](const char* name, auto& member) { json[name] = write(member); });
    return json;
  } else {
    return value;
  }
}
template <typename T>
Json write(std::vector<T>& values) {
  Json json = Json::array();
  for (T& v : values) json.push_back(write(v));
  return json;
}

void require(bool holds, const std::string& what) {
  if (!holds) fail("a scenario needs " + what);
}

template <typename T>
void require_positive(const std::vector<T>& values, const std::string& what) {
  for (const T v : values) require(v > 0, what + " above 0");
}

}  // namespace

Scenario scenario_from_json(std::string_view text) {
  Scenario s;
  try {
    read(Json::parse(text), "", s);
  } catch (const Json::exception& error) {
    fail(error.what());
  }
  validate(s);
  return s;
}

Scenario scenario_from_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail("can not read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  try {
    Scenario s = scenario_from_json(text.str());
    if (s.name.empty()) s.name = path;
    return s;
  } catch (const std::invalid_argument& error) {
    fail(path + ": " + error.what());
  }
}

void validate(const Scenario& s) {
  require(s.servers > 0 && s.servers <= 65536, "1 to 65536 servers");
  require(s.balancers > 0 && s.balancers <= 1024, "1 to 1024 balancers");
  require(s.share_ms >= 1 && s.share_late_ms >= 0,
          "a share_ms from 1 on, a share_late_ms from 0 on");
  require(!s.cores.empty() && !s.rtt_ms.empty() && !s.remote.empty() && !s.reports.empty() &&
              !s.routes.empty(),
          "cores, rtt_ms, remote, reports and routes");
  require(!s.weights.empty(), "weights");
  require_positive(s.cores, "cores");
  require_positive(s.weights, "weights");
  require_positive(s.speeds, "speeds");
  require(s.speed_spread >= 1, "a speed_spread of 1 or more");
  require(s.load > 0, "a load above 0");
  require(s.duration_ms > s.warmup_ms && s.warmup_ms >= 0, "a duration longer than its warm-up");
  require(s.timeout_ms > 0, "a timeout above 0");
  for (const double rtt : s.rtt_ms) require(rtt >= 0, "rtt_ms of 0 or more");
  for (const Route& r : s.routes) {
    require(r.share > 0 && r.mean_ms > 0, "routes with share and mean_ms above 0");
    require(r.size != Size::kPareto || r.shape > 1, "a shape above 1 for pareto");
  }
  const Antagonists& a = s.antagonists;
  require(a.on_ms <= 0 || (a.off_ms > 0 && a.low > 0 && a.high >= a.low), "sound antagonists");
  require(s.grey.servers == 0 || s.grey.factor > 0, "a grey factor above 0");
  require(s.restarts.count == 0 || (s.restarts.warm_from > 0 && s.restarts.warm_ms > 0),
          "warm_from and warm_ms above 0");
}

std::string to_json(const Scenario& scenario) {
  Scenario copy = scenario;
  return write(copy).dump(2);
}

}  // namespace leastwise::sim
