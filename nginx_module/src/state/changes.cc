#include "state/changes.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

namespace leastwise::nginx {
namespace {

using Json = nlohmann::ordered_json;  // as it is written: read by people, too

constexpr std::uint64_t kFormat = 1;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::uint64_t kMostUnix = 1'000'000'000'000;
constexpr std::uint64_t kMost = UINT32_MAX;  // as the pool holds them

struct Number {
  const char* name;
  std::uint32_t setting;
  std::uint64_t min, max;
};
constexpr Number kNumbers[] = {
    {"weight", Change::kWeight, 1, kMaxWeight},
    {"max_conns", Change::kMaxConns, 0, kMost},
    {"max_fails", Change::kMaxFails, 0, kMost},
    {"fail_timeout_ms", Change::kFailTimeout, 0, kMost},
};
struct Flag {
  const char* name;
  std::uint32_t setting;  // 0: it does not change
  std::uint32_t flag;
};
constexpr Flag kFlags[] = {{"down", Change::kDownFlag, kDown},
                           {"drain", Change::kDrainingFlag, kDraining},
                           {"remote", Change::kRemoteFlag, kRemote},
                           {"backup", 0, kBackup}};

std::uint64_t number_of(const EndpointSettings& s, std::uint32_t setting) {
  switch (setting) {
    case Change::kWeight:
      return s.weight;
    case Change::kMaxConns:
      return s.max_conns;
    case Change::kMaxFails:
      return s.max_fails;
    default:
      return static_cast<std::uint64_t>(s.fail_timeout / std::chrono::milliseconds(1));
  }
}

void set_number(EndpointSettings& s, std::uint32_t setting, std::uint64_t value) {
  const auto n = static_cast<std::uint32_t>(value);
  if (setting == Change::kWeight) s.weight = n;
  if (setting == Change::kMaxConns) s.max_conns = n;
  if (setting == Change::kMaxFails) s.max_fails = n;
  if (setting == Change::kFailTimeout) s.fail_timeout = std::chrono::milliseconds(n);
}

// Those of `fields`; all of them when it is kAll.
constexpr std::uint32_t kAll = UINT32_MAX;
Json to_json(const EndpointSettings& s, std::uint32_t fields) {
  Json out = Json::object();
  for (const Number& n : kNumbers) {
    if ((fields & n.setting) != 0) out[n.name] = number_of(s, n.setting);
  }
  for (const Flag& f : kFlags) {
    if (fields == kAll || (fields & f.setting) != 0) out[f.name] = (s.flags & f.flag) != 0;
  }
  return out;
}

// Null when there is nothing to say.
Json to_json(const Pool& pool, EndpointId id, const Moment& at) {
  const EndpointSettings configured = pool.configured(id);
  const std::uint32_t changed = pool.changed(id);
  const bool is_added = (configured.flags & kAdded) != 0;
  const Duration ejected = pool.ejected_by_hand(id, at.now);
  if (changed == 0 && !is_added && ejected == Duration::zero()) return {};
  Json out = Json::object();
  out["server"] = "";
  if (is_added) out["added"] = true;
  out["configured"] = to_json(configured, kAll);
  if (changed != 0) out["changed"] = to_json(pool.settings(id), changed);
  // Rounded: the same in each writing.
  if (ejected > Duration::zero()) {
    out["ejected_until"] = (at.unix_us + ejected.count() + kSecond / 2) / kSecond;
  }
  return out;
}

// ---- reading

struct Bad {
  const char* key;
};

std::uint64_t number_in(const Json& value, const char* key, std::uint64_t min, std::uint64_t max) {
  if (!value.is_number_unsigned()) throw Bad{key};
  const auto n = value.get<std::uint64_t>();
  if (n < min || n > max) throw Bad{key};
  return n;
}

bool flag_in(const Json& value, const char* key) {
  if (!value.is_boolean()) throw Bad{key};
  return value.get<bool>();
}

// Returns which settings there are.
std::uint32_t read_settings(const Json& from, const char* key, EndpointSettings& out) {
  if (!from.is_object()) throw Bad{key};
  std::uint32_t fields = 0;
  for (const Number& n : kNumbers) {
    const auto at = from.find(n.name);
    if (at == from.end()) continue;
    set_number(out, n.setting, number_in(*at, n.name, n.min, n.max));
    fields |= n.setting;
  }
  for (const Flag& f : kFlags) {
    const auto at = from.find(f.name);
    if (at == from.end()) continue;
    if (flag_in(*at, f.name)) out.flags |= f.flag;
    fields |= f.setting;
  }
  return fields;
}

struct Entry {
  std::string name;  // of the endpoint
  EndpointSettings configured;
  Change change;
  Duration ejected{};
};

std::string name_in(const Json& server, std::string_view prefix) {
  const auto at = server.find("server");
  if (at == server.end() || !at->is_string()) throw Bad{"server"};
  const auto& text = at->get_ref<const std::string&>();
  const bool is_plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
  std::string name(prefix);
  name += text;
  if (text.empty() || !is_plain || name.size() > kMaxEndpointName) throw Bad{"server"};
  return name;
}

Entry read_server(const Json& from, std::string_view prefix, const Moment& at) {
  if (!from.is_object()) throw Bad{"servers"};
  Entry entry;
  entry.name = name_in(from, prefix);
  const auto configured = from.find("configured");
  if (configured == from.end()) throw Bad{"configured"};
  read_settings(*configured, "configured", entry.configured);
  if (const auto added = from.find("added"); added != from.end() && flag_in(*added, "added")) {
    entry.configured.flags |= kAdded;
  }
  if (const auto changed = from.find("changed"); changed != from.end()) {
    entry.change.fields = read_settings(*changed, "changed", entry.change.to);
  }
  if (const auto until = from.find("ejected_until"); until != from.end()) {
    const auto unix_s = static_cast<std::int64_t>(number_in(*until, "ejected_until", 0, kMostUnix));
    entry.ejected = Duration(std::max<std::int64_t>(unix_s * kSecond - at.unix_us, 0));
  }
  return entry;
}

std::vector<Entry> read_all(std::string_view text, std::string_view prefix, const Moment& at) {
  const Json all = Json::parse(text, nullptr, false);
  if (all.is_discarded() || !all.is_object()) throw Bad{nullptr};
  const auto format = all.find("leastwise_state");
  if (format == all.end()) throw Bad{nullptr};
  number_in(*format, "leastwise_state", kFormat, kFormat);
  const auto servers = all.find("servers");
  if (servers == all.end() || !servers->is_array()) throw Bad{"servers"};
  std::vector<Entry> entries;
  for (const Json& server : *servers) entries.push_back(read_server(server, prefix, at));
  return entries;
}

// False when the pool has no room.
bool take_up(const Entry& entry, const Moment& at, Pool& pool) {
  const EndpointId id = pool.add(entry.name);
  if (id == kNoEndpoint) return false;
  pool.configure(id, entry.configured);
  if (entry.change.fields != 0) pool.change(id, entry.change);
  if (entry.ejected > Duration::zero()) {
    pool.eject(id, std::min<Duration>(entry.ejected, Pool::kMostEjection), at.now);
  }
  return true;
}

// The servers that were added. False when the pool has no room.
bool take_up_added(const std::vector<Entry>& entries, std::size_t prefix, const Moment& at,
                   Added& added, Pool& pool) {
  bool all = true;
  std::size_t n = 0;
  for (const Entry& entry : entries) {
    if ((entry.configured.flags & kAdded) == 0 || pool.find(entry.name) != kNoEndpoint) continue;
    if (n++ < added.most) {
      all &= take_up(entry, at, pool);
    } else {
      added.names += (added.left_out++ == 0 ? "" : ", ") + entry.name.substr(prefix);
    }
  }
  return all;
}

}  // namespace

bool write_changes(const Pool& pool, std::string_view prefix, const Moment& at,
                   std::string& out) noexcept try {
  out = "{\"leastwise_state\": " + std::to_string(kFormat) + ", \"servers\": [";
  const char* before = "\n";
  for (EndpointId id = pool.next(0); id != kNoEndpoint;
       id = pool.next(static_cast<std::uint32_t>(index(id)) + 1)) {
    const std::string_view name = pool.endpoint_name(id);
    if (!name.starts_with(prefix)) continue;
    Json server = to_json(pool, id, at);
    if (server.is_null()) continue;
    server["server"] = std::string(name.substr(prefix.size()));
    out += before + server.dump(-1, ' ', false, Json::error_handler_t::replace);
    before = ",\n";
  }
  out += "\n]}\n";
  return true;
} catch (...) {
  return false;
}

bool is_state(std::string_view text) noexcept try {
  read_all(text, {}, {});
  return true;
} catch (...) {
  return false;
}

Status read_changes(std::string_view text, std::string_view prefix, const Moment& at, Added& added,
                    Pool& pool) noexcept try {
  const std::vector<Entry> entries = read_all(text, prefix, at);
  bool all = take_up_added(entries, prefix.size(), at, added, pool);
  for (const Entry& entry : entries) {
    const bool is_added = (entry.configured.flags & kAdded) != 0;
    if (!is_added || pool.find(entry.name) != kNoEndpoint) all &= take_up(entry, at, pool);
  }
  return all ? Status() : Status(Status::Code::kNoMemory, "no room for all of its servers");
} catch (const Bad& bad) {
  if (bad.key == nullptr) return {Status::Code::kCorrupt, "cut short, or no state of Leastwise"};
  if (std::string_view(bad.key) == "leastwise_state") {
    return {Status::Code::kCorrupt, "of another version of Leastwise"};
  }
  return {Status::Code::kCorrupt, {"\"", bad.key, "\" is missing, or not what it can be"}};
} catch (...) {
  return {Status::Code::kNoMemory, "out of memory"};
}

}  // namespace leastwise::nginx
