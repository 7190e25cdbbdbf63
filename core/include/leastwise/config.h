// Config: the settings of one pool, and the table of directives that fills it.
//
// A directive is declared once, in directives.cc. nginx turns the table into its
// ngx_command_t array, the agent feeds its own file to set(), and
// docs/directives.md is printed from it, so the three can not drift apart.
#ifndef LEASTWISE_CONFIG_H_
#define LEASTWISE_CONFIG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "leastwise/clock.h"
#include "leastwise/failures.h"
#include "leastwise/networks.h"
#include "leastwise/policy.h"
#include "leastwise/probe.h"
#include "leastwise/scrape.h"
#include "leastwise/status.h"
#include "leastwise/text.h"

namespace leastwise {

// What the `weighted` policy takes for an endpoint's demand d_i.
enum class Demand : std::uint8_t { kStatic, kSpeed, kReport };

// Which span of a request is the time that it occupied the server (Outcome::occupied).
enum class Sample : std::uint8_t { kAuto, kFirstByte, kFull };

// A part of a hundred.
struct Percent {
  std::uint32_t value = 0;
};

// So many times the mean work of a request: a length of time that fits any pool.
struct Answers {
  std::uint32_t value = 0;
};

// Of memory.
struct Size {
  std::uint64_t bytes = 0;
};

// Which figure of a load report says how full a server is: "on", for application_utilization or
// else cpu_utilization, or a figure's name. Holds the name itself: configurations outlive files.
class ReportMetric {
 public:
  static constexpr std::size_t kMost = 64;  // bytes

  constexpr ReportMetric() noexcept = default;  // reports are not looked at
  // REQUIRES: name.size() <= kMost.
  constexpr ReportMetric(std::string_view name) noexcept
      : size_(static_cast<std::uint8_t>(name.size())) {
    for (std::size_t i = 0; i < name.size(); ++i) text_[i] = name[i];
  }

  constexpr bool is_on() const noexcept { return size_ != 0; }
  constexpr std::string_view name() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, kMost> text_{};
  std::uint8_t size_ = 0;
};

struct Config {
  const Policy* policy = nullptr;  // nullptr: the default, adaptive
  Duration decay = std::chrono::seconds(8);
  Demand demand = Demand::kStatic;
  Sample sample = Sample::kAuto;
  bool outlier = false;                              // leave out endpoints that do far worse
  Duration outlier_time = std::chrono::seconds(10);  // for so long, at first
  Percent outlier_max{30};                           // of the pool at once, at most
  Duration slow_start{};  // until who joins or comes back has its whole weight; 0: at once
  ReportMetric report;
  Failures failure;           // answers that count as failures
  ProbeSettings probe;        // how servers are asked whether they are well
  Networks locality;          // addresses that are near; empty: all are
  Answers locality_price{5};  // what an endpoint that is not near is handicapped by
  bool switchback = false;    // compare `adaptive` with least_conn, and fall back
  bool observe = false;       // the front end chooses: learn, and note what would have been picked
  Answers affinity{};         // what a key's own endpoint is given as a start; 0: nothing
  Size prompt_memory{std::uint64_t{16} << 20};  // to remember prompts in, of policy `inference`
  // What tells cheap requests from dear ones, in the front end's own language: an
  // nginx expression. Empty: the front end's default. A view of the caller's memory.
  std::string_view route;
  // What policy `hash` or `affinity` keeps together, in the same language. Empty: the front
  // end's default.
  std::string_view key;
  // The file of a script that chooses: core/lua/. Empty: none.
  std::string_view lua;
  ScrapeSettings scrape;  // in place of `report`: load is read from what servers expose

  // Whether what servers say of their load counts, however it comes.
  bool has_reports() const noexcept { return report.is_on() || scrape.is_on(); }
  const Policy& chosen_policy() const noexcept;
  // Whether picks look at Request::key.
  bool uses_key() const noexcept;
};

// The type of the field decides how its text is read: 10s, adaptive, speed, $uri.
using Field = std::variant<const Policy * Config::*, Duration Config::*, Demand Config::*,
                           Sample Config::*, bool Config::*, Percent Config::*, Networks Config::*,
                           Answers Config::*, ReportMetric Config::*, Failures Config::*,
                           ProbeSettings Config::*, Size Config::*, std::string_view Config::*>;

// Where a directive may stand.
enum class Scope : std::uint8_t { kBoth, kNginx };

struct Directive {
  std::string_view name;  // nginx adds the prefix leastwise_
  Field field;
  Scope scope;
  Duration min{};  // for a Duration
  Duration max{};
  std::string_view syntax;    // of the value
  std::string_view standard;  // the value when the directive is absent
  std::string_view help;
  std::string_view agent_syntax = {};  // where the agent's is another one
};

// Whether it takes several values when the first is this one: each is set() by itself, and adds to
// the others.
bool takes_several(const Directive& directive, std::string_view first) noexcept;

std::span<const Directive> directives() noexcept;
const Directive* find_directive(std::string_view name) noexcept;

// Reads `text` into the field of `directive`. On error `config` is unchanged, and the
// message says what is accepted.
Status set(Config& config, const Directive& directive, std::string_view text) noexcept;

// What is set but without effect under the chosen policy, by the directive's name, and what would
// give it one; both empty when there is nothing of the kind. `key` and `affinity` are looked at:
// who sets them in vain believes that sessions stay on their server.
struct Vain {
  std::string_view name;
  std::string_view mend;
};
Vain set_in_vain(const Config& config) noexcept;

// What set() accepts, in words: "adaptive, round_robin or …", "100ms to 1h".
void accepted(const Directive& directive, Text& out) noexcept;

// Reads a time as nginx does: 250us, 10ms, 8s, 5m, 1h, 1d; a number alone is seconds; several
// parts, larger units first: 1m30s. For directives that are a front end's own.
Status parse_duration(std::string_view text, Duration min, Duration max, Duration& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_CONFIG_H_
