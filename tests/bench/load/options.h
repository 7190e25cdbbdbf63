// The command line of leastwise-load.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_OPTIONS_H_
#define LEASTWISE_TESTS_BENCH_LOAD_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/time.h"
#include "bench/load/arrivals.h"
#include "bench/load/mix.h"

namespace leastwise::bench {

struct Window {
  std::string name;
  Duration from{};
  Duration to{};
};

struct ClientOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::vector<std::string> headers;
  std::size_t max_connections = 4000;
  Duration timeout = from_seconds(10);
  Duration abort_after = from_ms(5);
  bool is_http10 = false;
  bool keeps_alive = true;
};

struct Options {
  ClientOptions client;
  ArrivalPlan plan;
  Mix mix = Mix::of_one("/");
  double abort_share = 0;
  std::size_t closed_connections = 0;  // 0: open loop
  std::uint64_t request_limit = 0;     // closed loop only; 0: by time
  Duration warm_up{};
  Duration slice{};
  std::vector<Window> windows;
  Duration max_lag = from_ms(5);
  bool prints_json = false;
};

// Throws UsageError; returns nothing when the user only asked for help, which is then printed.
std::optional<Options> parse_options(int argc, const char* const* argv);

// "0:100,5:400". Throw UsageError that names option, value and what is accepted.
std::vector<Phase> parse_phases(std::string_view text);
Burst parse_burst(std::string_view text);
Window parse_window(std::string_view text);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_OPTIONS_H_
