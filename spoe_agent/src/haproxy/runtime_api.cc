#include "haproxy/runtime_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <set>
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
constexpr unsigned kDisabledByConfig = 0x04;
constexpr unsigned kEnabledCheck = 0x04;  // check-t.h
// While a server warms up, so that a tenth of a weight of 1 can be told: HAProxy's own factor.
constexpr std::uint32_t kFineWeight = 16;

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

// Several commands, several answers, each with an empty line behind it.
class Answers {
 public:
  explicit Answers(std::string_view text) : text_(text) {}

  bool at_end() const noexcept { return text_.empty(); }
  std::string_view line() { return take_line(text_); }
  // False when the next line is the empty one, or was cut off: see complete().
  bool row(std::string_view& line) {
    complete_ = text_.starts_with('\n') || text_.starts_with("\r\n");
    line = take_line(text_);
    return !line.empty();
  }
  bool complete() const noexcept { return complete_; }

 private:
  std::string_view text_;
  bool complete_ = false;
};

// A line of `show info`, such as "Pid: 4711".
bool read_process_line(std::string_view line, ProcessInfo& out) {
  const std::size_t colon = line.find(": ");
  const std::string_view key = line.substr(0, colon);
  const std::string_view value = colon == line.npos ? "" : line.substr(colon + 2);
  if (key == "Version") out.version = value;
  if (key == "Stopping") out.is_stopping = value != "0";
  if (key != "Pid") return true;
  const auto pid = number_in<std::uint32_t>(value, UINT32_MAX);
  out.pid = pid.value_or(0);
  return pid.has_value();
}

class StatesParser {
 public:
  bool parse(Answers answers, std::size_t asked) {
    std::size_t n = 0;
    for (; !answers.at_end(); ++n) {
      const std::string_view head = answers.line();
      if (head != "1" && head != "Can't find backend.") return false;
      if (head == "1" && !read_head(answers.line())) return false;
      for (std::string_view line; answers.row(line);) {
        split_words(line, row_);
        if (head != "1" || !table_.fits(row_) || !add_server()) return false;
      }
      if (!answers.complete()) return false;
    }
    return n == asked;
  }

  std::vector<BackendInfo> take() { return std::move(backends_); }

 private:
  enum Field : std::size_t {
    kNumber,
    kBackend,
    kName,
    kHost,
    kState,
    kAdmin,
    kWeight,
    kPort,
    kInitialWeight,
    kAgent
  };

  bool read_head(std::string_view line) {
    if (!line.starts_with("# ")) return false;
    split_words(line.substr(2), row_);
    return table_.set_head(row_);
  }

  bool add_server() {
    const auto id = number_in<std::uint32_t>(table_(row_, kNumber), UINT32_MAX);
    const auto state = number_in<unsigned>(table_(row_, kState), kLastState);
    const auto admin = number_in<unsigned>(table_(row_, kAdmin), 0xff);
    const auto weight = number_in<unsigned>(table_(row_, kWeight), 256);
    const auto port = number_in<unsigned>(table_(row_, kPort), 65535);
    if (!id || !state || !admin || !weight || !port) return false;
    ServerInfo server{.name = std::string(table_(row_, kName)),
                      .address = join_address(table_(row_, kHost), table_(row_, kPort)),
                      .settings = {}};
    server.settings.weight = std::max(1U, *weight);
    server.settings.flags = flags_of(*state, *admin, *weight);
    server.weight = *weight;
    server.initial_weight = number_in<unsigned>(table_(row_, kInitialWeight), 256).value_or(1);
    const auto agent = number_in<unsigned>(table_(row_, kAgent), 0xff).value_or(0);
    server.has_agent_check = (agent & kEnabledCheck) != 0;
    server.is_slot = (*admin & kDisabledByConfig) != 0;
    server.in_maintenance = (*admin & kMaintenance) != 0;
    server.is_drained = (*admin & kDrain) != 0;
    const std::string_view backend = table_(row_, kBackend);
    if (!seen_.emplace(std::string(backend), server.name).second) return false;
    if (backends_.empty() || backends_.back().name != backend) {
      backends_.push_back({.name = std::string(backend), .number = *id, .servers = {}});
    }
    backends_.back().servers.push_back(std::move(server));
    return true;
  }

  Table<10> table_{{"be_id", "be_name", "srv_name", "srv_addr", "srv_op_state", "srv_admin_state",
                    "srv_uweight", "srv_port", "srv_iweight", "srv_agent_state"}};
  Columns row_;
  std::vector<BackendInfo> backends_;
  std::set<std::pair<std::string, std::string>> seen_;
};

class FiguresParser {
 public:
  explicit FiguresParser(std::vector<BackendInfo> backends) : backends_(std::move(backends)) {
    for (BackendInfo& backend : backends_) {
      for (ServerInfo& server : backend.servers) {
        places_.emplace(std::pair(backend.name, server.name), std::pair(&backend, &server));
      }
    }
  }

  bool parse(Answers answers) {
    std::size_t n = 0;
    for (; !answers.at_end(); ++n) {
      const std::string_view head = answers.line();
      const bool is_gone = head == "No such proxy.";  // since the states were told
      if (!is_gone && !read_head(head)) return false;
      for (std::string_view line; answers.row(line);) {
        split_csv(line, row_);
        if (is_gone || !table_.fits(row_)) return false;
        add_row();
      }
      if (!answers.complete()) return false;
    }
    return n == backends_.size();
  }

  std::vector<BackendInfo> take() {
    for (BackendInfo& backend : backends_) {
      throttle(backend);
      auto& all = backend.servers;
      // Not of std::ranges: clang 14 can not read what that of GCC 12 returns.
      std::stable_partition(all.begin(), all.end(), [](const ServerInfo& s) { return !s.backup; });
    }
    return std::move(backends_);
  }

 private:
  enum Field : std::size_t {
    kProxy,
    kServer,
    kLimit,
    kIsBackup,
    kMode,
    kThrottle,
    kSessions,
    kCurrent,
    kQueued,
    kConnectErrors,
    kAnswerErrors,
    kServerErrors,
    kConnectTime,
    kAnswerTime
  };

  bool read_head(std::string_view line) {
    if (!line.starts_with("# ")) return false;
    split_csv(line.substr(2), row_);
    return table_.set_head(row_);
  }

  // Many fields are empty when they mean nothing.
  template <typename Number = std::uint32_t>
  Number number(Field field) const {
    return number_in<Number>(table_(row_, field), std::numeric_limits<Number>::max()).value_or(0);
  }

  void add_row() {
    const auto found = places_.find(
        std::pair(std::string(table_(row_, kProxy)), std::string(table_(row_, kServer))));
    if (found == places_.end()) return;  // added between the two requests: next time
    const auto [backend, server] = found->second;
    server->settings.max_conns = number(kLimit);
    server->backup = table_(row_, kIsBackup) == "1";
    if (server->backup) server->settings.flags |= kBackup;
    backend->is_http = table_(row_, kMode) != "tcp";
    const std::uint64_t refusals = number<std::uint64_t>(kConnectErrors);
    server->figures = {.sessions = number<std::uint64_t>(kSessions),
                       .failures = refusals + number<std::uint64_t>(kAnswerErrors) +
                                   number<std::uint64_t>(kServerErrors),
                       .refusals = refusals,
                       .current = number(kCurrent),
                       .queued = number(kQueued),
                       .connect = number(kConnectTime),
                       .answer = number(backend->is_http ? kAnswerTime : kConnectTime)};
    const std::uint32_t percent = number(kThrottle);
    if (percent > 0 && percent < 100) throttled_[server] = percent;
  }

  void throttle(BackendInfo& backend) const {
    const auto percent_of = [&](const ServerInfo& server) {
      const auto found = throttled_.find(&server);
      return found == throttled_.end() ? 100 : found->second;
    };
    if (std::ranges::all_of(backend.servers, [&](auto& s) { return percent_of(s) == 100; })) return;
    for (ServerInfo& server : backend.servers) {
      std::uint32_t& weight = server.settings.weight;
      weight = std::max(1U, weight * kFineWeight * percent_of(server) / 100);
    }
  }

  Table<14> table_{{"pxname", "svname", "slim", "bck", "mode", "throttle", "stot", "scur", "qcur",
                    "econ", "eresp", "hrsp_5xx", "ctime", "rtime"}};
  Columns row_;
  std::vector<BackendInfo> backends_;
  std::map<std::pair<std::string, std::string>, std::pair<BackendInfo*, ServerInfo*>> places_;
  std::map<const ServerInfo*, std::uint32_t> throttled_;  // per cent
};

// Commands of one line; the last one's ";" is in HAProxy's way.
std::string line_of(std::string commands) {
  if (!commands.empty()) commands.back() = '\n';
  return commands;
}

}  // namespace

std::string states_request(std::span<const std::string> names) {
  std::string commands = "show info;";
  for (const std::string& name : names) commands += "show servers state " + name + ';';
  return line_of(std::move(commands));
}

// Of servers (4), all of them (-1). No name begins with "+", so it can not be taken for one.
std::string figures_request(std::span<const BackendInfo> backends) {
  std::string commands;
  for (const BackendInfo& backend : backends) {
    commands += "show stat +" + std::to_string(backend.number) + " 4 -1;";
  }
  return line_of(std::move(commands));
}

bool parse_process(std::string_view& text, ProcessInfo& out) {
  std::string_view rest = text;
  ProcessInfo process;
  if (!rest.starts_with("Name: ")) return false;
  for (std::string_view line; !(line = take_line(rest)).empty();) {
    if (!read_process_line(line, process)) return false;
  }
  if (process.pid == 0) return false;
  text = rest;
  out = process;
  return true;
}

bool parse_states(std::string_view text, std::size_t asked, std::vector<BackendInfo>& out) {
  StatesParser parser;
  if (!parser.parse(Answers(text), asked)) return false;
  out = parser.take();
  return true;
}

bool parse_figures(std::string_view text, std::vector<BackendInfo>& backends) {
  FiguresParser parser(backends);
  if (!parser.parse(Answers(text))) return false;
  backends = parser.take();
  return true;
}

std::vector<std::string> refusals_in(std::string_view text, std::size_t commands) {
  std::vector<std::string> refusals(commands);
  for (std::string& refusal : refusals) {
    refusal = take_line(text);
    for (std::string_view more = refusal; !more.empty() && !text.empty();) more = take_line(text);
  }
  return refusals;
}

}  // namespace leastwise::agent
