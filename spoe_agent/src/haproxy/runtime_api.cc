#include "haproxy/runtime_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace leastwise::agent {
namespace {

constexpr std::size_t kMostColumns = 512;

// HAProxy's srv-t.h: operational states, and the bits of the administrative one.
constexpr unsigned kStopped = 0, kStopping = 3, kLastState = 3;
// 0x04 (was in maintenance by the configuration) and 0x40 (its name was set at run time) stay set
// when the server is back.
constexpr unsigned kMaintenance = 0x01 | 0x02 | 0x20;
constexpr unsigned kDrain = 0x08 | 0x10;

using Columns = std::vector<std::string_view>;

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

void split_words(std::string_view line, Columns& out) {
  out.clear();
  while (!line.empty() && out.size() < kMostColumns) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    if (!word.empty()) out.push_back(word);
  }
}

// A quoted field may hold commas; those that we read never are quoted, so it is left as it is.
void split_csv(std::string_view line, Columns& out) {
  out.clear();
  while (out.size() < kMostColumns) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < line.size() && (quoted || line[end] != ','); ++end) {
      if (line[end] == '"') quoted = !quoted;
    }
    out.push_back(line.substr(0, end));
    if (end == line.size()) return;
    line.remove_prefix(end + 1);
  }
}

template <typename Number>
std::optional<Number> number_in(std::string_view text, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

// The fields of a row by the names in the head of its table.
template <std::size_t kSize>
class Table {
 public:
  explicit Table(std::array<std::string_view, kSize> names) : names_(names) {}

  // False if one is missing.
  bool set_head(const Columns& head) {
    for (std::size_t i = 0; i < kSize; ++i) {
      const auto found = std::ranges::find(head, names_[i]);
      if (found == head.end()) return false;
      at_[i] = static_cast<std::size_t>(found - head.begin());
    }
    return true;
  }
  bool fits(const Columns& row) const {
    return std::ranges::all_of(at_, [&](std::size_t at) { return at < row.size(); });
  }
  std::string_view operator()(const Columns& row, std::size_t i) const { return row[at_[i]]; }

 private:
  std::array<std::string_view, kSize> names_;
  std::array<std::size_t, kSize> at_{};
};

std::string join_address(std::string_view host, std::string_view port) {
  std::string address;
  if (host.starts_with('/') || port == "0") return std::string(host);
  const bool is_ipv6 = host.find(':') != host.npos;
  address += is_ipv6 ? "[" : "";
  address += host;
  address += is_ipv6 ? "]:" : ":";
  return address += port;
}

std::uint32_t flags_of(unsigned state, unsigned admin, unsigned weight) {
  std::uint32_t flags = 0;
  if (state == kStopped || (admin & kMaintenance) != 0) flags |= kDown;
  if (state == kStopping || (admin & kDrain) != 0 || weight == 0) flags |= kDraining;
  return flags;
}

class ReplyParser {
 public:
  bool parse(std::string_view text) {
    if (take_line(text) != "1" || !read_states(text)) return false;
    return read_stats(text);
  }

  std::vector<BackendInfo> take() {
    for (BackendInfo& backend : backends_) {
      auto& all = backend.servers;
      // Not of std::ranges: clang 14 can not read what that of GCC 12 returns.
      std::stable_partition(all.begin(), all.end(), [](const ServerInfo& s) { return !s.backup; });
    }
    return std::move(backends_);
  }

 private:
  enum StateField : std::size_t { kBackend, kName, kHost, kState, kAdmin, kWeight, kPort };
  enum StatField : std::size_t { kProxy, kServer, kLimit, kIsBackup, kMode };

  bool read_states(std::string_view& text) {
    Table<7> table({"be_name", "srv_name", "srv_addr", "srv_op_state", "srv_admin_state",
                    "srv_uweight", "srv_port"});
    std::string_view line = take_line(text);
    if (!line.starts_with("# ")) return false;
    split_words(line.substr(2), row_);
    if (!table.set_head(row_)) return false;
    while (!(line = take_line(text)).empty()) {
      split_words(line, row_);
      if (!table.fits(row_) || !add_server(table)) return false;
    }
    return true;
  }

  bool add_server(const Table<7>& table) {
    const auto state = number_in<unsigned>(table(row_, kState), kLastState);
    const auto admin = number_in<unsigned>(table(row_, kAdmin), 0xff);
    const auto weight = number_in<unsigned>(table(row_, kWeight), 256);
    const auto port = number_in<unsigned>(table(row_, kPort), 65535);
    if (!state || !admin || !weight || !port) return false;
    ServerInfo server{.name = std::string(table(row_, kName)),
                      .address = join_address(table(row_, kHost), table(row_, kPort)),
                      .settings = {}};
    server.settings.weight = std::max(1U, *weight);
    server.settings.flags = flags_of(*state, *admin, *weight);
    const std::string_view backend = table(row_, kBackend);
    if (backends_.empty() || backends_.back().name != backend) {
      backends_.push_back({std::string(backend), true, {}});
    }
    const auto place = std::pair(backends_.size() - 1, backends_.back().servers.size());
    if (!places_.emplace(std::pair(std::string(backend), server.name), place).second) return false;
    backends_.back().servers.push_back(std::move(server));
    return true;
  }

  // The table ends with an empty line; without one the answer was cut short.
  bool read_stats(std::string_view text) {
    Table<5> table({"pxname", "svname", "slim", "bck", "mode"});
    std::string_view line = take_line(text);
    if (!line.starts_with("# ")) return false;
    split_csv(line.substr(2), row_);
    if (!table.set_head(row_)) return false;
    while (!text.empty()) {
      line = take_line(text);
      if (line.empty()) return true;
      split_csv(line, row_);
      if (!table.fits(row_)) return false;
      add_limits(table);
    }
    return false;
  }

  void add_limits(const Table<5>& table) {
    const auto found = places_.find(
        std::pair(std::string(table(row_, kProxy)), std::string(table(row_, kServer))));
    if (found == places_.end()) return;  // added between the two tables: next time
    BackendInfo& backend = backends_[found->second.first];
    ServerInfo& server = backend.servers[found->second.second];
    server.settings.max_conns =
        number_in<std::uint32_t>(table(row_, kLimit), UINT32_MAX).value_or(0);
    server.backup = table(row_, kIsBackup) == "1";
    if (server.backup) server.settings.flags |= kBackup;
    backend.is_http = table(row_, kMode) != "tcp";
  }

  Columns row_;
  std::vector<BackendInfo> backends_;
  std::map<std::pair<std::string, std::string>, std::pair<std::size_t, std::size_t>> places_;
};

}  // namespace

bool parse_runtime_reply(std::string_view text, std::vector<BackendInfo>& out) {
  ReplyParser parser;
  if (!parser.parse(text)) return false;
  out = parser.take();
  return true;
}

}  // namespace leastwise::agent
