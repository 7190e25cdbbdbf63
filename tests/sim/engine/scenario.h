// Scenario: all that a simulation is told, as plain data. Times are milliseconds.
//
// Lists that describe servers are repeated over them: cores {2, 4, 8} gives server 0 two
// cores, server 1 four, server 2 eight, server 3 two again.
#ifndef LEASTWISE_TESTS_SIM_ENGINE_SCENARIO_H_
#define LEASTWISE_TESTS_SIM_ENGINE_SCENARIO_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace leastwise::sim {

// How a server shares itself among the requests that it has.
enum class Discipline : std::uint8_t {
  kFirstCome,  // one per core, the others queue
  kSharing,    // all at once, each at min(1, cores/k) of the speed
  kBatching,   // 32 at once, each slowed by 1 + k/16: a language model's server
};

enum class Arrivals : std::uint8_t {
  kPoisson,
  kBursts,  // Markov-modulated: 2.2 times the rate for about 0.5 s, 0.6 times for about 1.5 s
  kFlash,   // twice the rate from 40 % to 60 % of the run
};

enum class Size : std::uint8_t {
  kExponential,
  kFixed,
  kLognormal,  // shape = sigma
  kPareto,     // shape = alpha; at most 200 means
  kBimodal,    // 90 % of half the mean, 10 % of 5.5 means
};

// A kind of request: its share of the traffic, and the distribution of its service time.
struct Route {
  double share = 1;
  double mean_ms = 10;
  Size size = Size::kExponential;
  double shape = 0;
  // Not 0: it takes its time without any of the server's, as a long poll does. It is no part of the
  // load, and its time is not counted.
  std::uint32_t idle = 0;
  // Not 0: an event stream, whose first byte comes so long after it has a core, which it keeps to
  // its end. Its time is counted to the first byte.
  double first_byte_ms = 0;
};

// Each server alternates between its speed, for exp(off), and a part of it, for exp(on).
struct Antagonists {
  double on_ms = 0;  // 0: none
  double off_ms = 0;
  double low = 0.3, high = 0.7;  // the part that is left is uniform between these
};

// Servers that run at `factor` of their speed for a while: a grey failure, or a hang.
struct Grey {
  std::uint32_t servers = 0;
  double factor = 0.1;
  double from_ms = 0, to_ms = 0;
};

// Servers that answer with an error after 1 ms, with this probability, for a while.
struct Sinkhole {
  std::uint32_t servers = 0;
  double probability = 1;
  double from_ms = 0, to_ms = 0;
};

// Servers that go down one after the other, and come back slow.
struct Restarts {
  std::uint32_t count = 0;
  double down_ms = 1000;
  double warm_ms = 10000;  // until the full speed is back
  double warm_from = 0.2;  // of the speed, right after the start
};

// Groups of requests with a common prefix that servers cache: batching servers only.
struct Prefixes {
  std::uint32_t groups = 0;
  std::uint32_t cached = 0;          // per server, least recently used go
  std::vector<std::string> names{};  // for scripts, as request.key; empty: the numbers
};

struct TraceEntry {
  double at_ms = 0;
  std::uint32_t route = 0;
  double service_ms = 0;  // on a server of speed 1
};

struct Scenario {
  std::string name;
  std::uint32_t servers = 10;
  std::uint32_t balancers = 1;  // independent of each other
  // Those that share (policy "adaptive+share") tell each other so often what they have, hear it so
  // much later, and so many of them lie.
  double share_ms = 100;
  double share_late_ms = 0;
  std::uint32_t liars = 0;
  std::vector<std::uint32_t> cores = {4};
  Discipline discipline = Discipline::kFirstCome;
  double speed_spread = 1;     // speeds are log-uniform in 1…this
  std::vector<double> speeds;  // if not empty: these instead
  std::vector<double> rtt_ms = {0.5};
  std::uint32_t round_trips = 1;  // TCP's are told, as nginx does; HAProxy does not
  std::vector<std::uint32_t> weights = {1};
  std::vector<double> reports = {-1};       // utilisation that a server reports; -1: the truth
  std::vector<std::uint32_t> remote = {0};  // 1: outside the balancers' locality

  double load = 0.7;  // share of the capacity that antagonists leave
  Arrivals arrivals = Arrivals::kPoisson;
  std::vector<Route> routes = {{}};
  std::vector<std::string> route_names;   // for scripts; empty: the numbers
  std::vector<std::string> server_names;  // for scripts; empty: server0, server1, …
  Antagonists antagonists;
  Grey grey;
  Sinkhole sinkhole;
  Restarts restarts;
  Prefixes prefixes;

  double timeout_ms = 10000;  // the client leaves, the server keeps working
  double duration_ms = 30000;
  double warmup_ms = 4000;  // of the duration: not counted
  std::uint64_t seed = 1;

  // If not null: these requests instead of load, arrivals and routes' sizes.
  std::shared_ptr<const std::vector<TraceEntry>> trace;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ENGINE_SCENARIO_H_
