// How one server behaves: everything that the configuration, an event or /set may change.
//
// There is one table of keys, so that all three know the same ones, with the same bounds and the
// same words when a value is refused.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_BEHAVIOUR_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_BEHAVIOUR_H_

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "bench/backends/action.h"
#include "bench/backends/distribution.h"
#include "bench/common/time.h"

namespace leastwise::bench {

// `slow` starts at `from` times its value and falls linearly to it within `span`.
struct WarmUp {
  double from = 1;
  Duration span{};
};

struct Behaviour {
  int slots = 0;  // 0: no limit
  int queue_limit = 100'000;
  double slow = 1;
  double error_share = 0;
  Duration distance{};  // there and back, before a request takes or waits for a slot
  Duration error_time = from_ms(0.2);
  int error_status = 500;
  bool hangs = false;
  bool is_down = false;
  Distribution distribution = Distribution::kExponential;
  double sigma = 1;
  std::size_t body_bytes = 128;
  bool sends_load_report = true;
  WarmUp warm_up;
  Action action;
  double action_share = 1;
  unsigned close_after = 0;  // answers per connection; 0: no limit
};

// Changes `target`, or throws UsageError (which begins with `where`) and leaves it unchanged.
// `other_keys` are what the caller knows beside these: they belong to the message only.
void set_key(Behaviour& target, const std::string& where, std::string_view key,
             const nlohmann::json& value, std::string_view other_keys = {});

// The value of a query as JSON: 20, true, or the text itself.
nlohmann::json json_from_text(const std::string& text);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_BEHAVIOUR_H_
