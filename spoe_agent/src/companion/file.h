// The companion's configuration file, in directive syntax:
//
//   nginx_socket /run/nginx/control.sock;          # leastwise_control, in a "location /"
//   haproxy_socket /run/haproxy/admin.sock;        # a stats socket of level admin
//   kubeconfig /etc/leastwise/kubeconfig;          # in a pod: not needed
//   zone eu-1a;                                    # or $VARIABLE
//   status 127.0.0.1:9879;                         # /metrics, /healthz
//   share redis://10.0.0.9;                        # where nginx and other balancers tell each
//   other log_level info; upstream app  { discover kubernetes web:http; }          # of nginx's
//   http stream   game { discover kubernetes games/lobby:4000; }  # of nginx's stream backend  app
//   { discover kubernetes web:http; }           # of HAProxy backend  api { discover dns
//   _http._tcp.api.example.org srv; }
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_FILE_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_FILE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/address.h"
#include "config/lexer.h"
#include "config/log_level.h"
#include "config/redis_url.h"
#include "config/share_tls.h"
#include "discovery/dns/name.h"
#include "discovery/kubernetes/service.h"
#include "drive/agent_zones.h"

namespace leastwise::companion {

enum class Kind : std::uint8_t { kUpstream, kStream, kBackend };

struct PoolConfig {
  Kind kind = Kind::kUpstream;
  std::string name;  // the proxy's
  std::variant<discovery::kubernetes::ServiceName, discovery::dns::Name> source{};

  bool operator==(const PoolConfig&) const = default;
};

struct CompanionConfig {
  std::string nginx_socket;
  std::optional<agent::Address> haproxy_socket;
  std::string kubeconfig;     // empty: as a pod has it
  std::string zone;           // of the proxy; empty: not known
  drive::AgentControl agent;  // who is told of zones in HAProxy's place; empty: nobody
  std::optional<agent::Address> status;
  std::optional<agent::RedisUrl> share;  // nothing: other balancers are not heard
  agent::ShareTls share_tls;
  bool share_count = false;  // adaptive reckons with them
  agent::LogLevel log_level = agent::LogLevel::kInfo;
  std::vector<PoolConfig> pools;
};

// A directive outside of pools. The manual is printed from it: docs/man/leastwise-companion.conf.5.
struct CompanionSetting {
  std::string_view name, syntax, accepted, help;
  bool (*read)(const std::string& value, CompanionConfig& config);  // false: refused
};
std::span<const CompanionSetting> companion_settings() noexcept;

struct KindWords {
  Kind kind;
  std::string_view name, help;
};
std::span<const KindWords> pool_kinds() noexcept;

// A way to discover servers, the first value of `discover`.
struct SourceWords {
  std::string_view name, syntax, help;
};
std::span<const SourceWords> source_words() noexcept;

// "[NAMESPACE/]SERVICE[:PORT]"; false, and `out` unchanged, when it is none.
bool parse_service(std::string_view text, discovery::kubernetes::ServiceName& out);

// "NAME[:PORT]"; as above.
bool parse_name(std::string_view text, discovery::dns::Name& out);
// "IP[:PORT],…"; as above.
bool parse_resolver(std::string_view text, std::string& out);

// `file` is the name for messages only. Throws agent::ConfigError.
CompanionConfig parse_companion_config(std::string_view file, std::string_view text);
// Throws std::runtime_error, too, when the file can not be read.
CompanionConfig read_companion_file(const std::string& path);

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_FILE_H_
