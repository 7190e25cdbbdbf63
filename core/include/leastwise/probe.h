// Probe: how a server is asked whether it is well, apart from requests of clients.
//
// ProbeSettings is what a directive says, word by word; ProbeResult is what one probe found. The
// front end does what needs a socket, core/probes reads the answers, and Pool::note_probe counts
// them and draws the consequences.
#ifndef LEASTWISE_PROBE_H_
#define LEASTWISE_PROBE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "leastwise/clock.h"
#include "leastwise/status.h"
#include "leastwise/text.h"

namespace leastwise {

enum class ProbeKind : std::uint8_t { kOff, kHttp, kTcp, kGrpc };

// Answers that pass: 200-399, or 200,204,301-308.
class StatusRanges {
 public:
  static constexpr std::size_t kMost = 8;
  static constexpr std::uint32_t kLeastStatus = 100, kMostStatus = 599;

  bool contains(std::uint32_t status) const noexcept;
  // Replaces all. Unchanged on error.
  Status parse(std::string_view text) noexcept;
  void print(Text& out) const noexcept;

 private:
  struct Range {
    std::uint16_t first = 0, last = 0;
  };
  std::array<Range, kMost> ranges_{{{200, 399}}};
  std::size_t count_ = 1;
};

// Texts are views of the caller's memory.
struct ProbeSettings {
  static constexpr std::size_t kMostAnswer = 64 * 1024;  // bytes that are read of one

  ProbeKind kind = ProbeKind::kOff;
  bool tls = false;
  bool mandatory = false;  // who has never passed is not picked
  std::uint16_t port = 0;  // 0: the server's own
  std::uint32_t passes = 2, fails = 3;
  std::uint32_t jitter = 10;  // percent by which an interval is shorter, at most
  Duration interval = std::chrono::seconds(2);
  Duration timeout = std::chrono::seconds(1);
  std::string_view uri = "/", method = "GET";
  std::string_view host;     // empty: the front end's name of the pool
  std::string_view sni;      // see server_name()
  std::string_view body;     // that the answer has to contain; empty: anything
  std::string_view service;  // of gRPC; empty: the server as a whole
  StatusRanges status;
  std::uint32_t seen = 0;  // parameters that were set, by position

  bool is_on() const noexcept { return kind != ProbeKind::kOff; }
  // That TLS asks for: `sni`, or else the name in `host`; may be empty.
  std::string_view server_name() const noexcept;
};

// Reads one word: the kind comes first, then parameters in any order. Unchanged on error.
Status set(ProbeSettings& settings, std::string_view word) noexcept;
// Whether the words fit together, once all are read.
Status check(const ProbeSettings& settings) noexcept;

// What is wrong with a server; what has a figure of its own has it in ProbeResult::detail.
enum class ProbeFault : std::uint8_t {
  kNone,         // it passed
  kRefused,      //
  kUnreachable,  //
  kReset,        //
  kConnect,      // detail: errno
  kTimeout,      //
  kClosed,       // before the answer was there
  kNoHttp,       // the answer is none
  kStatus,       // detail: HTTP's
  kBody,         // not the one that is asked for
  kTooMuch,      // no end within kMostAnswer
  kTls,          //
  kGrpcStatus,   // detail: gRPC's
  kNotServing,   // detail: as grpc.health.v1 says it
  // Of what is scraped (scrape.h):
  kNoMetrics,   // none of those that are asked for
  kBadMetrics,  // one that can not be meant
  kNoText,      // neither Prometheus' text nor JSON
};
inline constexpr std::size_t kProbeFaults = 17;
std::string_view name(ProbeFault fault) noexcept;

struct ProbeResult {
  ProbeFault fault = ProbeFault::kNone;
  std::uint32_t detail = 0;

  constexpr bool passed() const noexcept { return fault == ProbeFault::kNone; }
};

// "connection refused", "status 503, accepted 200-399", "timeout after 1s".
void describe(const ProbeResult& result, const ProbeSettings& settings, Text& out) noexcept;
// What to look at: an operator's next step.
std::string_view advice(const ProbeResult& result) noexcept;

// What a probe has changed.
enum class ProbeChange : std::uint8_t { kNone, kDown, kUp, kFirstPass };

// What is known of an endpoint by its probes.
struct ProbeView {
  bool is_known = false;  // it was probed
  bool failed = false;    // it failed too often,
  bool is_out = false;    // and is left out for that: not in a panic
  bool waits = false;     // for its first pass: `mandatory`
  ProbeResult last;
  std::uint32_t in_a_row = 0;  // probes that ended as the last did, at most 4095
  float age = 0;               // of the last, seconds
  std::uint32_t checks = 0, failures = 0;
};

}  // namespace leastwise

#endif  // LEASTWISE_PROBE_H_
