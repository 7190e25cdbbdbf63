// The configuration of the backends: JSON in, plain values out.
//
// Everything unknown or out of bounds is refused with a UsageError of the form
// "FILE: servers[3].slots: VALUE is refused; accepted: ...".
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_CONFIG_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_CONFIG_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/backends/behaviour.h"
#include "bench/backends/path_table.h"
#include "bench/common/time.h"

namespace leastwise::bench {

inline constexpr std::size_t kMostServers = 4096;

struct ServerConfig {
  std::string name;
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  PathTable paths;  // goes before that of all servers
  Behaviour behaviour;
};

using Changes = std::vector<std::pair<std::string, nlohmann::json>>;

struct Event {
  Duration at{};  // after the start
  std::vector<std::size_t> servers;
  Changes changes;
};

struct Config {
  std::uint64_t seed = 1;
  std::uint16_t control_port = 0;  // 0: no control port
  std::vector<ServerConfig> servers;
  PathTable paths;
  std::vector<Event> events;  // by time, then as written
};

// `source` is how messages call the text: a file name or "stdin".
Config parse_config(const std::string& text, const std::string& source);

// "3,5-7", "all", or names. Throws UsageError that begins with `where`.
std::vector<std::size_t> select_servers(const std::vector<ServerConfig>& servers,
                                        std::string_view selection, const std::string& where);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_CONFIG_H_
