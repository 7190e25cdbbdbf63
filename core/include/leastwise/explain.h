// Explain: copies of what a pool remembers of late, for status pages and tests: decisions, in
// figures that a page can put into words, and the last ten minutes.
#ifndef LEASTWISE_EXPLAIN_H_
#define LEASTWISE_EXPLAIN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "leastwise/endpoint.h"

namespace leastwise {

// Why an endpoint was picked.
enum class Reason : std::uint8_t {
  kNone,          // nothing was picked
  kPolicy,        // the policy's choice
  kOnly,          // the only candidate
  kUnlearned,     // the adaptive policy still chooses as least_conn does
  kBackup,        // no member but backups can be picked
  kPanic,         // none can be picked unless draining ones and outliers are, too
  kFrontEnd,      // the front end chose (Picker::adopt)
  kAffinity,      // the endpoint of the request's key (Config::affinity)
  kSwitchback,    // least_conn chose in the policy's place (Config::switchback)
  kScriptFault,   // the script failed, or took too long: adaptive chose in its place
  kScriptPassed,  // the script left the choice to adaptive
};
inline constexpr std::size_t kReasons = 11;
std::string_view name(Reason reason) noexcept;

// Why an endpoint was not among those to choose from, or hardly.
enum class LeftOut : std::uint32_t {
  kNot,
  kDown,
  kDraining,
  kOutlier,   // Config::outlier
  kProbe,     // fails its probes, or has not passed one yet
  kMaxFails,  // failed too often
  kFull,      // max_conns
  kTried,     // by this request
  kErrors,    // dear by its share of failures: `figure`
  kReport,    // dear by what it reports of its load: times `figure`
  kCold,      // slow start: has a part of its weight, `figure`
};
inline constexpr std::size_t kLeftOuts = 11;
std::string_view name(LeftOut why) noexcept;

// One decision of about two a second, as it was made.
struct Decision {
  static constexpr std::size_t kShown = 20;
  static constexpr std::size_t kMostLeftOut = 3;

  struct Party {
    EndpointId id = kNoEndpoint;
    std::uint32_t in_flight = 0;  // before this request
    float delay = 0;              // seconds expected of it; 0 = nothing is known
    LeftOut why = LeftOut::kNot;
    float figure = 0;
  };
  float age = 0;  // seconds
  Reason reason = Reason::kNone;
  std::uint32_t route = 0;       // place: Pool::route()
  std::uint32_t candidates = 0;  // that were compared
  Party chosen, second;          // second: kNoEndpoint if there was none
  std::array<Party, kMostLeftOut> left_out;
};

// About what the pool's endpoints answered in a step of time.
struct MomentView {
  float age = 0;   // seconds from its end
  float span = 0;  // seconds
  std::uint32_t answers = 0, failures = 0;
  float p50 = 0, p99 = 0;  // seconds
};

}  // namespace leastwise

#endif  // LEASTWISE_EXPLAIN_H_
