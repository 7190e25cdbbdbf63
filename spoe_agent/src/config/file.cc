#include "config/file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "config/near_match.h"
#include "config/token.h"

namespace leastwise::agent {
namespace {

constexpr std::size_t kMostBackends = 1000;
constexpr std::size_t kMaxBackendName = 100;  // leaves room for the server's in kMaxEndpointName

using Kind = Token::Kind;

bool read_optional(const std::string& value, bool allow_unix, std::optional<Address>& out) {
  return parse_address(value, allow_unix, out.emplace());
}

bool is_absolute(const std::string& path) { return path.size() > 1 && path.front() == '/'; }

bool read_level(const std::string& value, AgentConfig& config) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  const auto* found = std::ranges::find(kNames, value);
  if (found == std::end(kNames)) return false;
  config.log_level = static_cast<LogLevel>(found - std::begin(kNames));
  return true;
}

constexpr AgentSetting kSettings[] = {
    {"listen", "unix:/PATH | IP:PORT", kAcceptedStreamAddress,
     "Where HAProxy asks: the agent's port for SPOP. A unix socket is for the agent's user and "
     "group "
     "(0660). Required, unless all backends are of `mode weights`. Within a `chroot` HAProxy looks "
     "for "
     "the path in there.",
     [](const std::string& v, AgentConfig& c) { return parse_address(v, true, c.listen); }},
    {"feedback", "IP:PORT", kAcceptedAddress,
     "Where HAProxy's log lines arrive, over UDP. Without it nothing is learned from answers.",
     [](const std::string& v, AgentConfig& c) { return read_optional(v, false, c.feedback); }},
    {"haproxy_socket", "/PATH | IP:PORT",
     "expected the absolute path of a stats socket, or IP:PORT",
     "HAProxy's runtime API, from which servers, weights and states are read: a `stats socket` of "
     "level "
     "user, or admin for `mode weights`.",
     [](const std::string& v, AgentConfig& c) {
       return read_optional(is_absolute(v) ? "unix:" + v : v, true, c.haproxy_socket);
     }},
    {"status", "IP:PORT", kAcceptedAddress,
     "The agent's own HTTP port: the live page at `/`, `/status` (JSON), `/metrics` (Prometheus), "
     "`/healthz`, and `/control`. It has no TLS: keep it on 127.0.0.1.",
     [](const std::string& v, AgentConfig& c) { return read_optional(v, false, c.status); }},
    {"agent_check", "IP:PORT", kAcceptedAddress,
     "Where `agent-check` of HAProxy's servers in backends of `mode weights` asks for their "
     "weights: "
     "`agent-check agent-port PORT agent-send \"BACKEND/SERVER\\n\"`. Servers that ask here need "
     "no "
     "level admin. Default: weights are told by the runtime API.",
     [](const std::string& v, AgentConfig& c) { return read_optional(v, false, c.agent_check); }},
    {"control_token_file", "/PATH", "expected an absolute path",
     "Who sends what is in that file may drain, weigh, eject and reset servers at `/control` of "
     "the "
     "status port (`Authorization: Bearer TOKEN`). One line of 16 to 256 visible characters, in a "
     "file "
     "that not everybody may read. Default: nobody may.",
     [](const std::string& v, AgentConfig& c) {
       c.control_token_file = v;
       return is_absolute(v);
     }},
    {"state", "/PATH", "expected an absolute path",
     "The file that keeps over a restart what was learned and what was changed at `/control`. "
     "Default: "
     "that is lost with the process.",
     [](const std::string& v, AgentConfig& c) {
       c.state = v;
       return is_absolute(v);
     }},
    {"share", "redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/PREFIX]", kAcceptedRedisUrl,
     "Redis or Valkey, by which the agents of several HAProxys tell each other what they have in "
     "flight at each server, ten times a second. The status shows it. Nothing waits for an answer. "
     "Default: nothing is told.",
     [](const std::string& v, AgentConfig& c) { return parse_redis_url(v, c.share.emplace()); }},
    {"share_count", "on | off", "expected on or off",
     "With `on`, `adaptive` does not send the fastest servers more than is good for all balancers "
     "together, as soon as it hears (`share`) that there are more than four: docs/sharing.md. "
     "Default: off.",
     [](const std::string& v, AgentConfig& c) {
       c.share_count = v == "on";
       return v == "on" || v == "off";
     }},
    {kShareTlsCa.name, "/PATH", kAcceptedTlsFile, kShareTlsCa.help,
     [](const std::string& v, AgentConfig& c) { return read_tls_file(v, c.share_tls.ca); }},
    {kShareTlsCert.name, "/PATH", kAcceptedTlsFile, kShareTlsCert.help,
     [](const std::string& v, AgentConfig& c) {
       return read_tls_file(v, c.share_tls.certificate);
     }},
    {kShareTlsKey.name, "/PATH", kAcceptedTlsFile, kShareTlsKey.help,
     [](const std::string& v, AgentConfig& c) { return read_tls_file(v, c.share_tls.key); }},
    {"log_level", "debug | info | warning | error", "expected debug, info, warning or error",
     "Which lines are written to standard error. Default: info.", read_level},
};

bool is_for_agent(const Directive& d) noexcept { return d.scope == Scope::kBoth; }

std::vector<std::string_view> top_level_names() {
  std::vector<std::string_view> names;
  for (const AgentSetting& s : kSettings) names.push_back(s.name);
  names.push_back("backend");
  return names;
}

std::vector<std::string_view> backend_names() {
  std::vector<std::string_view> names = {"mode"};
  for (const Directive& d : directives()) {
    if (is_for_agent(d)) names.push_back(d.name);
  }
  return names;
}

std::string unknown_directive(std::string_view word, const std::vector<std::string_view>& names) {
  const std::string_view meant = near_match(word, names);
  if (!meant.empty()) return "unknown directive; did you mean \"" + std::string(meant) + "\"?";
  std::string text = "unknown directive; accepted here:";
  for (const std::string_view name : names)
    text += (text.back() == ':' ? " " : ", ") + std::string(name);
  return text;
}

// The characters that HAProxy accepts.
bool is_backend_name(std::string_view name) noexcept {
  constexpr std::string_view kOthers = "-_.:";
  return !name.empty() && name.size() <= kMaxBackendName && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != kOthers.npos;
  });
}

class Parser {
 public:
  Parser(std::string_view file, std::string_view text) : file_(file), lexer_(file, text) {}

  AgentConfig parse() {
    for (advance(); token_.kind != Kind::kEnd;) directive();
    const auto is_picked_for = [](const BackendConfig& b) { return b.mode == Mode::kPick; };
    if (config_.listen.length == 0 &&
        (config_.backends.empty() || std::ranges::any_of(config_.backends, is_picked_for))) {
      fail(token_, "listen", "required, such as: listen unix:/run/leastwise/spoa.sock;");
    }
    if (config_.backends.empty()) {
      fail(token_, "backend", "required, such as: backend app { policy adaptive; }");
    }
    if (!config_.haproxy_socket && !std::ranges::all_of(config_.backends, is_picked_for)) {
      fail(token_, "haproxy_socket",
           "required by mode weights, such as: haproxy_socket /run/haproxy/admin.sock;");
    }
    if (config_.agent_check && std::ranges::all_of(config_.backends, is_picked_for)) {
      fail(token_, "agent_check",
           "has no effect: it tells weights, and no backend is of mode weights; give one "
           "\"mode weights;\" or take it out");
    }
    if (!config_.control_token_file.empty() && !config_.status) {
      fail(token_, "status", "required by control_token_file, such as: status 127.0.0.1:9878;");
    }
    refuse_vain_sharing();
    return std::move(config_);
  }

 private:
  using Seen = std::map<std::string, std::uint32_t, std::less<>>;

  void refuse_vain_sharing() {
    const auto refuse_setting = [this](std::string_view name, std::string_view message) {
      Token at = token_;
      at.line = seen_.find(name)->second;
      fail(at, name, message);
    };
    const auto shares = [](const BackendConfig& b) { return b.mode == Mode::kPick; };
    const auto counts = [&](const BackendConfig& b) {
      return shares(b) && b.settings.chosen_policy().by_score;
    };
    if (config_.share && std::ranges::none_of(config_.backends, shares)) {
      refuse_setting("share",
                     "has no effect: nothing is told in mode weights; give one backend \"mode "
                     "pick;\" or take it out");
    }
    if (const VainTls vain = set_in_vain(config_.share, config_.share_tls); !vain.name.empty()) {
      refuse_setting(vain.name, vain.message);
    }
    if (!config_.share_count) return;
    if (!config_.share) {
      refuse_setting("share_count", "has no effect without share; give it or take this out");
    }
    if (std::ranges::none_of(config_.backends, counts)) {
      refuse_setting("share_count",
                     "has no effect: no backend of mode pick is adaptive; take it out, or change a "
                     "policy");
    }
  }

  [[noreturn]] void fail(const Token& at, std::string_view value, std::string_view message) {
    throw ConfigError(file_, at.line, value, message);
  }

  void advance() { token_ = lexer_.next(); }

  Token take_name() {
    if (token_.kind == Kind::kClose) fail(token_, "}", "there is no \"{\" before it");
    if (token_.kind != Kind::kWord) fail(token_, token_.text, "expected the name of a directive");
    Token name = std::move(token_);
    advance();
    return name;
  }

  // The one value of `name`, and the ";" behind it.
  Token take_value(const Token& name) {
    if (token_.kind != Kind::kWord) fail(name, name.text, "expected one value and \";\" after it");
    Token value = std::move(token_);
    advance();
    if (token_.kind == Kind::kWord && token_.line == value.line) {
      fail(token_, token_.text, "expected \";\": \"" + name.text + "\" takes one value");
    }
    if (token_.kind != Kind::kSemicolon) fail(value, value.text, "expected \";\" after it");
    advance();
    return value;
  }

  void refuse_duplicate(Seen& seen, const Token& name, const std::string& key) {
    const auto [first, is_new] = seen.emplace(key, name.line);
    if (is_new) return;
    fail(name, name.text, "duplicate; it is already set in line " + std::to_string(first->second));
  }

  void directive() {
    const Token name = take_name();
    if (name.text == "backend") return backend();
    const auto* option = std::ranges::find(kSettings, name.text, &AgentSetting::name);
    if (option == std::end(kSettings)) {
      fail(name, name.text, unknown_directive(name.text, top_level_names()));
    }
    refuse_duplicate(seen_, name, name.text);
    const Token value = take_value(name);
    if (!option->read(value.text, config_)) fail(value, value.text, option->accepted);
  }

  void backend() {
    Token name = std::move(token_);
    if (name.kind != Kind::kWord) fail(name, "backend", "expected a name and \"{\" after it");
    if (!is_backend_name(name.text)) {
      fail(name, name.text,
           "expected the name of a backend: up to 100 letters, digits, \"-\", \"_\", \".\", \":\"");
    }
    refuse_duplicate(backends_seen_, name, name.text);
    if (config_.backends.size() == kMostBackends) fail(name, name.text, "expected at most 1000");
    advance();
    if (token_.kind != Kind::kOpen) fail(name, name.text, "expected \"{\" after it");
    advance();
    BackendConfig& backend = config_.backends.emplace_back();
    Seen seen;
    while (token_.kind != Kind::kClose) {
      if (token_.kind == Kind::kEnd) fail(name, name.text, "its \"{\" is never closed");
      setting(backend, seen);
    }
    refuse_vain(backend, seen, name);
    if (!backend.lua.empty() && backend.mode == Mode::kWeights) {
      fail(name, "lua",
           "has no effect in mode weights, where nothing is picked: take one of the two out");
    }
    backend.name = name.text;
    advance();
  }

  void refuse_vain(const BackendConfig& backend, const Seen& seen, Token place) {
    const Vain vain = set_in_vain(backend.settings);
    if (vain.name.empty()) return;
    if (const auto found = seen.find(std::string(vain.name)); found != seen.end()) {
      place.line = found->second;
    }
    fail(place, vain.name,
         "has no effect: " + std::string(vain.mend) + "; take it out, or change the policy");
  }

  void setting(BackendConfig& backend, Seen& seen) {
    const Token name = take_name();
    if (name.text == "mode") return mode(backend, seen, name);
    const Directive* found = find_directive(name.text);
    if (found == nullptr || !is_for_agent(*found)) {
      fail(name, name.text, unknown_directive(name.text, backend_names()));
    }
    refuse_duplicate(seen, name, name.text);
    if (token_.kind == Kind::kWord && found->field == Field(&Config::report) &&
        token_.text == "scrape") {
      fail(token_, token_.text,
           "load is scraped by nginx only; expected off, on or the name of a figure that servers "
           "report with their answers");
    }
    if (takes_several(*found, token_.text)) return take_values(backend, *found, name);
    const Token value = take_value(name);
    if (found->field == Field(&Config::lua)) {
      backend.lua = value.text;
      backend.lua_line = value.line;
      return;
    }
    if (!set(backend.settings, *found, value.text).ok()) refuse(*found, value);
  }

  void mode(BackendConfig& backend, Seen& seen, const Token& name) {
    refuse_duplicate(seen, name, name.text);
    const Token value = take_value(name);
    if (value.text != "pick" && value.text != "weights") {
      fail(value, value.text, "expected pick or weights");
    }
    backend.mode = value.text == "pick" ? Mode::kPick : Mode::kWeights;
  }

  // One value or more of `name`, and the ";" behind them.
  void take_values(BackendConfig& backend, const Directive& directive, const Token& name) {
    if (token_.kind != Kind::kWord) {
      fail(name, name.text, "expected one value or more and \";\" after them");
    }
    Token last = name;
    for (; token_.kind == Kind::kWord; advance()) {
      if (!set(backend.settings, directive, token_.text).ok()) {
        // The next directive, most likely.
        if (token_.line != last.line) fail(last, last.text, "expected \";\" after it");
        refuse(directive, token_);
      }
      last = token_;
    }
    if (token_.kind != Kind::kSemicolon) fail(last, last.text, "expected \";\" after it");
    advance();
  }

  [[noreturn]] void refuse(const Directive& directive, const Token& value) {
    std::array<char, 256> buffer;
    Text what(buffer);
    accepted(directive, what);
    fail(value, value.text, "expected " + std::string(what.view()));
  }

  std::string_view file_;
  ConfigLexer lexer_;
  Token token_;
  AgentConfig config_;
  Seen seen_;
  Seen backends_seen_;
};

// The script chooses in the policy's place, unless it tells routes or keys only.
void load_script(const std::string& config_file, BackendConfig& backend) {
  const std::filesystem::path file = std::filesystem::path(config_file).parent_path() / backend.lua;
  std::string error;
  backend.script = lua::Script::load(file.string(), error);
  if (backend.script == nullptr) {
    throw ConfigError(config_file, backend.lua_line, backend.lua, error);
  }
  const Policy* scripted = backend.script->policy();
  if (scripted == nullptr) return;
  const Policy* policy = backend.settings.policy;
  if (policy != nullptr && policy != policies().front()) {
    throw ConfigError(
        config_file, backend.lua_line, backend.lua,
        "chooses, and policy " + std::string(policy->name) + " does: take one of the two out");
  }
  backend.settings.policy = scripted;
}

}  // namespace

std::span<const AgentSetting> agent_settings() noexcept { return kSettings; }

AgentConfig parse_config(std::string_view file, std::string_view text) {
  return Parser(file, text).parse();
}

AgentConfig read_config_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": " + std::strerror(errno));
  // Throws std::ios_base::failure, a std::runtime_error, for a folder.
  std::string text;
  for (std::array<char, 4096> part; file.read(part.data(), part.size()) || file.gcount() > 0;) {
    text.append(part.data(), static_cast<std::size_t>(file.gcount()));
  }
  AgentConfig config = parse_config(path, text);
  if (!config.control_token_file.empty()) {
    config.control_token = read_token(config.control_token_file);
  }
  check_tls_files(path, config.share, config.share_tls);
  for (BackendConfig& backend : config.backends) {
    if (!backend.lua.empty()) load_script(path, backend);
  }
  return config;
}

}  // namespace leastwise::agent
