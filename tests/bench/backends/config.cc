#include "bench/backends/config.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "bench/common/text.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

using nlohmann::json;

constexpr double kLongestSeconds = 1e7;

const json& need_object(const json& value, const std::string& where) {
  if (!value.is_object()) throw refused(where, value.dump(), "an object { ... }");
  return value;
}

const json& need_array(const json& value, const std::string& where) {
  if (!value.is_array()) throw refused(where, value.dump(), "a list [ ... ]");
  return value;
}

std::string need_text(const json& value, const std::string& where) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    throw refused(where, value.dump(), "a text that is not empty");
  }
  return value.get<std::string>();
}

std::uint64_t need_whole(const json& value, const std::string& where, std::uint64_t least,
                         std::uint64_t most) {
  const bool is_whole = value.is_number_unsigned();
  if (!is_whole || value.get<std::uint64_t>() < least || value.get<std::uint64_t>() > most) {
    throw refused(where, value.dump(),
                  "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value.get<std::uint64_t>();
}

double need_number(const json& value, const std::string& where, double most) {
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number >= 0 && number <= most)) {
    throw refused(where, value.dump(), "a number from 0 to " + json(most).dump());
  }
  return number;
}

std::uint16_t need_port(const json& value, const std::string& where) {
  return static_cast<std::uint16_t>(need_whole(value, where, 1, 65535));
}

// One entry of the list stands for `count` servers on consecutive ports.
struct Entry {
  std::optional<std::string> name;
  std::optional<std::uint64_t> port;
  std::uint64_t count = 1;
  ServerConfig server;
};

void add_paths(PathTable& table, const json& paths, const std::string& where) {
  for (const auto& [prefix, ms] : need_object(paths, where).items()) {
    if (!prefix.starts_with('/')) throw refused(where, "\"" + prefix + "\"", "a path from /");
    std::string here = where;
    here.append(".").append(prefix);
    table.add(prefix, from_ms(need_number(ms, here, 3.6e6)));
  }
}

Entry parse_entry(const json& value, const std::string& where, const Behaviour& defaults) {
  Entry entry;
  entry.server.behaviour = defaults;
  for (const auto& [key, item] : need_object(value, where).items()) {
    if (key == "address") {
      entry.server.address = need_text(item, where + ".address");
    } else if (key == "port") {
      entry.port = need_port(item, where + ".port");
    } else if (key == "name") {
      entry.name = need_text(item, where + ".name");
    } else if (key == "count") {
      entry.count = need_whole(item, where + ".count", 1, kMostServers);
    } else if (key == "paths") {
      add_paths(entry.server.paths, item, where + ".paths");
    } else {
      set_key(entry.server.behaviour, where, key, item, "address, port, name, count, paths");
    }
  }
  if (!entry.port) throw refused(where + ".port", "nothing", "a port from 1 to 65535");
  if (*entry.port + entry.count - 1 > std::numeric_limits<std::uint16_t>::max()) {
    throw refused(where + ".count", std::to_string(entry.count), "as many as there are ports");
  }
  return entry;
}

void add_servers(Config& config, const json& list, const std::string& where,
                 const Behaviour& defaults) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < need_array(list, where).size(); ++i) {
    const std::string here = where + "[" + std::to_string(i) + "]";
    Entry entry = parse_entry(list[i], here, defaults);
    for (std::uint64_t k = 0; k < entry.count; ++k) {
      ServerConfig server = entry.server;
      const std::string id = std::to_string(config.servers.size());
      server.port = static_cast<std::uint16_t>(*entry.port + k);
      server.name = entry.name ? *entry.name : id;
      if (entry.name && entry.count > 1) server.name += std::to_string(k);
      if (!names.insert(server.name).second) {
        throw refused(here + ".name", "\"" + server.name + "\"", "a name that no other server has");
      }
      config.servers.push_back(std::move(server));
    }
  }
  if (config.servers.empty() || config.servers.size() > kMostServers) {
    throw refused(where, std::to_string(config.servers.size()) + " servers",
                  "1 to " + std::to_string(kMostServers));
  }
}

std::string selection_text(const json& value, const std::string& where) {
  return value.is_number_unsigned() ? value.dump() : need_text(value, where);
}

Event parse_event(const Config& config, const json& value, const std::string& where) {
  Event event;
  std::optional<double> at;
  Behaviour scratch;  // to refuse now what could not be applied later
  for (const auto& [key, item] : need_object(value, where).items()) {
    if (key == "at") {
      at = need_number(item, where + ".at", kLongestSeconds);
    } else if (key == "server") {
      const std::string here = where + ".server";
      event.servers = select_servers(config.servers, selection_text(item, here), here);
    } else {
      set_key(scratch, where, key, item, "at, server");
      event.changes.emplace_back(key, item);
    }
  }
  if (!at) throw refused(where + ".at", "nothing", "seconds after the start");
  if (event.servers.empty()) throw refused(where + ".server", "nothing", "3, \"3,5-7\" or \"all\"");
  event.at = from_seconds(*at);
  return event;
}

void add_events(Config& config, const json& list, const std::string& where) {
  for (std::size_t i = 0; i < need_array(list, where).size(); ++i) {
    config.events.push_back(parse_event(config, list[i], where + "[" + std::to_string(i) + "]"));
  }
  std::stable_sort(config.events.begin(), config.events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
}

Behaviour parse_defaults(const json& value, const std::string& where) {
  Behaviour defaults;
  for (const auto& [key, item] : need_object(value, where).items()) {
    set_key(defaults, where, key, item);
  }
  return defaults;
}

}  // namespace

Config parse_config(const std::string& text, const std::string& source) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& error) {
    throw UsageError(source + ": not JSON: " + error.what());
  }
  static const std::set<std::string> known{"comment", "seed",  "control", "defaults",
                                           "servers", "paths", "events"};
  for (const auto& [key, item] : need_object(root, source).items()) {
    if (known.contains(key)) continue;
    throw refused(source, "the key \"" + key + "\"",
                  "comment, seed, control, defaults, servers, paths, events");
  }
  Config config;
  const auto part = [&](const char* name) { return root.value(name, json()); };
  const auto where = [&](const char* name) { return source + ": " + name; };
  if (root.contains("seed")) {
    config.seed = need_whole(part("seed"), where("seed"), 0, UINT64_MAX);
  }
  if (root.contains("control")) config.control_port = need_port(part("control"), where("control"));
  Behaviour defaults;
  if (root.contains("defaults")) defaults = parse_defaults(part("defaults"), where("defaults"));
  add_servers(config, part("servers"), where("servers"), defaults);
  if (root.contains("paths")) add_paths(config.paths, part("paths"), where("paths"));
  if (root.contains("events")) add_events(config, part("events"), where("events"));
  return config;
}

namespace {

void select_one(const std::vector<ServerConfig>& servers, std::string_view part,
                const std::string& where, std::vector<std::size_t>& chosen) {
  const auto by_name = std::find_if(servers.begin(), servers.end(),
                                    [&](const ServerConfig& s) { return s.name == part; });
  if (by_name != servers.end()) {
    chosen.push_back(static_cast<std::size_t>(by_name - servers.begin()));
    return;
  }
  const auto ends = split(part, '-');
  const std::size_t last_id = servers.size() - 1;
  const auto first = number_in<std::size_t>(ends.empty() ? "" : ends.front(), 0, last_id);
  const auto last = number_in<std::size_t>(ends.empty() ? "" : ends.back(), 0, last_id);
  if (ends.size() > 2 || !first || !last || *first > *last) {
    throw refused(
        where, "\"" + std::string(part) + "\"",
        "all, a name, or numbers from 0 to " + std::to_string(last_id) + " such as 3 or 3,5-7");
  }
  for (std::size_t id = *first; id <= *last; ++id) chosen.push_back(id);
}

}  // namespace

std::vector<std::size_t> select_servers(const std::vector<ServerConfig>& servers,
                                        std::string_view selection, const std::string& where) {
  std::vector<std::size_t> chosen;
  if (selection == "all") {
    for (std::size_t id = 0; id < servers.size(); ++id) chosen.push_back(id);
    return chosen;
  }
  for (const std::string_view part : split(selection, ',')) {
    select_one(servers, part, where, chosen);
  }
  if (chosen.empty()) throw refused(where, "nothing", "all, a name, or numbers such as 3 or 3,5-7");
  return chosen;
}

}  // namespace leastwise::bench
