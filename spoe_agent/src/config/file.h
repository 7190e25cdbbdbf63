// The agent's configuration file, in directive syntax:
//
//   listen unix:/run/leastwise/spoa.sock;         # where HAProxy asks; required to pick
//   feedback 127.0.0.1:9877;                      # where its log lines arrive
//   haproxy_socket /run/haproxy/admin.sock;       # where its servers are learned from
//   status 127.0.0.1:9878;                        # HTTP status page
//   agent_check 127.0.0.1:9879;                   # where agent-checks ask for weights
//   control_token_file /etc/leastwise/token;      # who has it may change servers at the status
//   port state /var/lib/leastwise/spoa.state;          # keeps over a restart what was learned
//   share redis://10.0.0.9;                       # where balancers tell each other what they have
//   log_level info;
//   backend app { policy adaptive; decay 8s; }    # at least one; leastwise::directives()
//   backend api { mode weights; }                 # pick, or weights
#ifndef LEASTWISE_SPOE_AGENT_CONFIG_FILE_H_
#define LEASTWISE_SPOE_AGENT_CONFIG_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "config/lexer.h"
#include "config/log_level.h"
#include "config/redis_url.h"
#include "config/share_tls.h"
#include "leastwise/config.h"
#include "lua/script.h"

namespace leastwise::agent {

// kPick: HAProxy asks for each request. kWeights: its own weights are steered, nothing is asked.
enum class Mode : std::uint8_t { kPick, kWeights };

struct BackendConfig {
  std::string name;  // HAProxy's
  Config settings;
  Mode mode = Mode::kPick;
  std::string lua{};  // file of a script; empty: none
  std::uint32_t lua_line = 0;
  std::shared_ptr<lua::Script> script{};  // what it says; `settings` go by it
};

struct AgentConfig {
  Address listen;  // of length 0: nobody picks, all backends are of `mode weights`
  std::optional<Address> feedback;
  std::optional<Address> haproxy_socket;
  std::optional<Address> status;
  std::optional<Address> agent_check;
  std::string control_token_file;  // empty: nobody may change anything
  std::string control_token;       // what is in it
  std::string state;               // empty: what was learned is lost with the process
  std::optional<RedisUrl> share;   // nothing: others are not heard
  ShareTls share_tls;
  bool share_count = false;  // adaptive reckons with them
  LogLevel log_level = LogLevel::kInfo;
  std::vector<BackendConfig> backends;
};

// A directive beside `backend`. The manual is printed from it: docs/man/leastwise.conf.5.
struct AgentSetting {
  std::string_view name;
  std::string_view syntax;  // of the value
  std::string_view accepted;
  std::string_view help;
  // Reads a value into the configuration; false when it is refused.
  bool (*read)(const std::string& value, AgentConfig& config);
};
std::span<const AgentSetting> agent_settings() noexcept;

// Pure: `file` is the name for messages only. Throws ConfigError.
AgentConfig parse_config(std::string_view file, std::string_view text);

// With what is in other files, too: scripts are started, whose paths are relative to that of the
// file. Throws ConfigError, and std::runtime_error when a file can not be read.
AgentConfig read_config_file(const std::string& path);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_CONFIG_FILE_H_
