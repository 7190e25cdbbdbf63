// Pool: what is known of the endpoints that one upstream (nginx) or backend
// (HAProxy) balances over, shared by all processes that pick from it.
//
// A Pool is a view of memory that its caller owns: a shared zone under nginx, a
// mapped file in the agent. That memory holds no pointer and no lock, so each
// process may map it where it likes, it survives a reload, and a process that dies
// at any instruction can not block another one.
//
// Two halves. Picker (picker.h) is the hot half. tick() is the slow half: it alone, and
// catch_up() for a part of it, runs the model, and publishes what picks read as an
// immutable Plan.
//
// Thread and process safe, except create() and adopt().
#ifndef LEASTWISE_POOL_H_
#define LEASTWISE_POOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "leastwise/config.h"
#include "leastwise/endpoint.h"
#include "leastwise/explain.h"
#include "leastwise/outcome.h"
#include "leastwise/probe.h"
#include "leastwise/route.h"
#include "leastwise/shadow.h"
#include "leastwise/status.h"

namespace leastwise {

struct PickContext;  // src/pick/pick_context.h

namespace state {
struct Header;
struct Hot;
struct Record;
class Shared;
}  // namespace state

// One life of one process. Pids come again, in a container at once: two lives of one pid differ in
// `born`, which may be the time of its start or drawn at random. Not known: 0 in all of them.
struct Incarnation {
  std::uint32_t pid = 0;  // below 2^31, and not 0
  std::uint32_t born = 0;

  friend bool operator==(Incarnation, Incarnation) noexcept = default;
};
using IsAlive = bool (*)(Incarnation);

// Which row of the in-flight ledger a process writes; no two write one. Without a row it picks
// and learns as the others do, but what it has in flight is not counted.
enum class ProcessSlot : std::uint32_t {};
inline constexpr std::size_t kMaxProcesses = 256;
inline constexpr ProcessSlot kNoSlot{0xffffffff};

// Why an endpoint was left out: as an outlier, or since an operator said so.
enum class Ejection : std::uint32_t { kNone, kConsecutive, kFailures, kLatency, kOperator };
inline constexpr std::size_t kEjections = 5;
std::string_view name(Ejection why) noexcept;

// What an endpoint did of late: in the last half to whole minute.
struct WindowView {
  float seconds = 0;  // 0 = nothing is known
  std::uint32_t answers = 0, failures = 0;
  std::array<std::uint32_t, 6> responses{};  // as EndpointView's
  float p50 = 0, p99 = 0;                    // seconds; 0 = no answer
};

// A copy of what is known of one endpoint, for status pages and tests.
struct EndpointView {
  std::string_view name;  // a view of the pool's memory
  EndpointId id = kNoEndpoint;
  EndpointSettings settings;
  bool unavailable = false;  // max_fails reached
  float warmth = 1;          // part of its weight that it has: slow start
  // Of late, as its load reports say; LoadReport::kUnknown when they do not.
  float reported_utilisation = -1, reported_cpu = -1, reported_memory = -1;
  float waiting = -1, running = -1;  // requests there by what was scraped, the same
  ScrapeView scrape;
  float report_factor = 1;  // so many times as dear by them
  float demand = 1;         // d_i that `weighted` shares requests out by; its share is d_i / Σ d_j
  std::uint64_t reports = 0, reports_refused = 0;
  bool ejected = false;  // left out as an outlier,
  Ejection ejected_why = Ejection::kNone;
  float ejected_for = 0;                              // for so many seconds more
  std::array<std::uint64_t, kEjections> ejections{};  // how often, by reason
  ProbeView probe;
  std::uint32_t fails = 0;  // failures counted towards max_fails
  std::uint32_t in_flight = 0;
  std::uint32_t in_transit = 0;  // of those, on their way, by the distance,
  std::uint32_t held = 0;        // and answered already: tunnels, event streams
  std::uint32_t elsewhere = 0;   // what other balancers are taken to have there,
  float toll = 0;                // and seconds by which its delay counts for more: share_count
  float work_in_flight = 0;      // seconds of predicted work
  bool known = false;            // slowness was measured of late
  float slowness = 0;     // seconds of delay per second of predicted work; pool mean if unknown
  float evidence = 0;     // seconds of predicted work behind it
  float measured = 0;     // slowness by those answers alone, not shrunk; 0 = none
  float error_share = 0;  // decayed, 0…1
  float base = 0;         // seconds that its fastest answers take beyond the pool's fastest
  std::uint64_t picks = 0;
  std::uint64_t shadow_picks = 0;  // that there would have been: Config::observe
  std::array<std::uint64_t, kResults> results{};
  std::array<std::uint64_t, 6> responses{};  // [1]…[5]: 1xx…5xx, [0]: without a status
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::uint64_t healed = 0;    // attempts given back for processes that died
  std::uint64_t forgiven = 0;  // failures that were put down to the request
  float delay = 0;             // seconds expected of a mean request that came now; 0 = unknown
  float report_age = -1;       // seconds since its last load report that could be read; -1 = none
  float fail_for = 0;          // seconds that it is still out by max_fails
  WindowView window;
  double connect_seconds = 0, first_byte_seconds = 0, occupied_seconds = 0;  // sums
  std::uint64_t connects = 0, first_bytes = 0, occupied = 0;                 // their counts
};

// Who chooses in a pool with policy `adaptive`: Config::switchback.
enum class Chooser : std::uint32_t {
  kPolicy,
  kControl,   // least_conn, for a second, to compare with
  kFallback,  // least_conn, since the policy did worse
};
std::string_view name(Chooser chooser) noexcept;

// A copy of the pool's model, for status pages and tests.
struct PoolView {
  std::size_t capacity = 0, endpoints = 0, processes = 0;
  std::uint64_t ticks = 0, samples = 0, samples_lost = 0, samples_set_aside = 0, healed = 0;
  bool learned = false;      // enough samples for the adaptive policy
  float mean_cost = 0;       // x̄, seconds
  float slowness = 0;        // G
  float sharing = 0;         // ψ
  float mean_wait = 0;       // w̄
  float price = 0;           // η
  float caution = 0;         // κ
  bool panic = false;        // too many fail their probes: all are used
  std::uint32_t prober = 0;  // the process that probes, 0 = none
  std::uint32_t others = 0;  // balancers beside this one, that count for policies by score
  Chooser chooser = Chooser::kPolicy;
  // How many picks there were, by reason.
  std::array<std::uint64_t, kReasons> decisions{};
  // Typical answer time of late, in seconds, by who chose; 0 = not known.
  double policy_seconds = 0, control_seconds = 0;
};

// A copy of what is known of one route. Texts come from clients, and are printable ASCII.
struct RouteView {
  std::string_view name() const noexcept { return {own.data(), own_size}; }  // may be empty
  std::string_view family_name() const noexcept { return {family.data(), family_size}; }

  bool is_other = false;  // all those that are not told apart
  float cost = 0;         // G x_r, seconds on a server of the pool's mean; 0 = unknown
  float spread = 0;       // standard deviation of the cost by its mean
  std::uint32_t samples = 0;
  std::size_t own_size = 0, family_size = 0;
  std::array<char, Route::kMostText> own, family;
};

class Pool {
 public:
  // Bytes that a pool of `capacity` endpoints needs; about 3.5 KiB for each, of which 1 KiB is
  // rows of processes: their pages are not touched before so many have joined. 0.2 MiB for the
  // rest. `residency`: bytes to remember in which model server has seen which prompts; 0 for other
  // policies than `inference`.
  static std::size_t bytes_for(std::size_t capacity, std::size_t residency = 0) noexcept;
  // The largest capacity that fits; 0 when none does.
  static std::size_t capacity_for(std::size_t bytes, std::size_t residency = 0) noexcept;

  // Formats `memory`. REQUIRES: 64-byte aligned. kNoMemory says how much is needed.
  static Status create(std::span<std::byte> memory, std::size_t capacity, Pool& out,
                       std::size_t residency = 0) noexcept;

  // Takes over memory formatted by create(), possibly by another process: kCorrupt
  // if its layout is not exactly this build's. Nothing is changed. In memory that is too small for
  // its residency it has none: an image() has not.
  static Status attach(std::span<std::byte> memory, Pool& out) noexcept;

  // Writes anew the words by which attach() knows the memory, as they were when this view was made.
  // True if one of them was another: of damaged memory that is in use. REQUIRES: nobody attaches.
  bool restore_head() const noexcept;

  Pool() noexcept = default;
  explicit operator bool() const noexcept { return header_ != nullptr; }
  std::size_t capacity() const noexcept { return capacity_; }
  // Whether it remembers prompts: policy `inference` goes by counts alone without.
  bool has_residency() const noexcept { return sets_ != 0; }
  // As create() was told, less what is no whole set of it.
  std::size_t residency() const noexcept;

  // Copies what `other` learned: its model, and each of its endpoints by full name.
  // In-flight counts stay behind. REQUIRES: this pool is fresh and not shared yet.
  // kNoMemory when not all of other's endpoints fit; those that do are copied.
  Status migrate(const Pool& other) noexcept;

  // Takes up what `other` learned of the pool as a whole and of the endpoints that are here as
  // well, by full name; not their settings, nor what an operator ejected. Returns how many those
  // are. REQUIRES: this pool is not used by other processes yet, and has learned nothing.
  std::size_t take_learned(const Pool& other) noexcept;

  // All of its memory but the rows of processes: a copy of it, in memory of bytes_for(capacity()),
  // is a pool to attach() to.
  std::span<const std::byte> image() const noexcept;
  static std::size_t image_bytes(std::size_t capacity) noexcept;

  // ---- endpoints; O(1) expected

  // The endpoint of that name, added if new; one that was retired comes back with what
  // was learned of it, unless that is more than 100 ticks ago: then as one that is new. kNoEndpoint
  // when the pool is full or the name too long or empty.
  EndpointId add(std::string_view name) noexcept;
  EndpointId find(std::string_view name) const noexcept;
  // As find(), of endpoints that are retired as well: for a process that still uses them.
  EndpointId recall(std::string_view name) const noexcept;
  // The endpoint left the configuration. Its place is used again for another name once
  // nothing is in flight there.
  void retire(EndpointId id) noexcept;
  // An endpoint whose flags lose kDown starts unknown again: it may not be what it was.
  void configure(EndpointId id, const EndpointSettings& settings) noexcept;
  EndpointSettings settings(EndpointId id) const noexcept;
  std::uint32_t in_flight(EndpointId id) const noexcept;

  // ---- by an operator, at run time; every process goes by it from its next pick on

  void change(EndpointId id, const Change& change) noexcept;
  // The settings that are changed now (Change), and those of the configuration.
  std::uint32_t changed(EndpointId id) const noexcept;
  EndpointSettings configured(EndpointId id) const noexcept;
  // How many changes there were, ejections among them: who keeps something that follows from them
  // looks here.
  std::uint32_t changes() const noexcept;
  // Endpoints were added or retired: processes whose pickers are of another membership make new
  // ones. To be told after the endpoints are as they should be. O(1).
  void renew_membership() noexcept;
  std::uint32_t membership() const noexcept;
  // Leaves the endpoint out for so long, at most kMostEjection: as the last resort it is picked
  // still. Then it comes back unknown, as after any ejection.
  static constexpr Duration kMostEjection = std::chrono::hours(24);
  void eject(EndpointId id, Duration time, TimePoint now) noexcept;
  // For how much longer; zero when it is not out, or not by hand.
  Duration ejected_by_hand(EndpointId id, TimePoint now) const noexcept;
  // Ends an ejection, an outlier's as well. False if there was none.
  bool bring_back(EndpointId id) noexcept;
  // Forgets all that was learned of it; counters and what is in flight stay.
  void forget(EndpointId id) noexcept;

  // ---- processes

  // The ledger row of this process: the one that this life of it has already, with what it has in
  // flight, or else a free one, empty, after what the dead left in flight was given back. `alive`
  // is asked of others only; another life of the same pid is over. kNoSlot when the living
  // have all rows: to be tried again later. heal() and join() by one thread of a process at a time.
  ProcessSlot join(Incarnation self, IsAlive alive) noexcept;
  // Called now and then: gives back what dead processes left in flight, and ends the tick of one
  // that died in it. Returns the number of attempts.
  std::uint64_t heal(Incarnation self, IsAlive alive) noexcept;
  // Frees the row of a process that ends with nothing in flight.
  void leave(ProcessSlot slot, Incarnation self) noexcept;

  // ---- configurations

  // Called once by whoever brings a new configuration, before any process goes by it. Returns its
  // number: processes with another one are about to end, and tell the pool nothing any more.
  std::uint32_t begin_configuration() noexcept;
  bool is_newest(std::uint32_t configuration) const noexcept;

  // ---- the slow half

  // Every process calls it about every kTickPeriod; one of them per period runs the
  // model and publishes a new Plan. True if it was this call. A process that dies in
  // it is replaced when somebody heals; if it had no row (`self`), after kTickLease. `patience`:
  // how much longer it may be overdue before this process does it, when others may be closer to
  // what goes on in the pool.
  static constexpr Duration kTickPeriod = std::chrono::milliseconds(100);
  static constexpr Duration kTickLease = std::chrono::seconds(5);
  bool tick(const Config& config, TimePoint now, Duration patience = Duration::zero(),
            ProcessSlot self = kNoSlot) noexcept;
  // Whether tick() would, unless another process is in it. One line of memory is looked at, which
  // is also that of is_newest() and is_in_doubt().
  bool is_due(TimePoint now, Duration patience = Duration::zero()) const noexcept;
  // Whether the last tick found nothing that time alone would change: no request in flight, no
  // endpoint ejected, limited, failing, probed, warming up or asked for its load; and neither an
  // operator nor a configuration changed anything since. As long as nobody uses it, such a pool can
  // wait longer for a tick. Two lines of memory are looked at.
  bool is_at_rest() const noexcept;
  // Whether somebody died of late and the next ticks have yet to find out what it left between
  // two steps: they should not wait.
  bool is_in_doubt() const noexcept;

  // Whether so many answers of this process wait to be learned from that some would be lost
  // before the next tick. O(1); to be asked after Picker::finish.
  bool is_behind(ProcessSlot slot) const noexcept;
  // Learns from the answers that wait and publishes a new Plan: the part of a tick that many
  // answers need more often than every kTickPeriod. Nothing while another process is in the tick.
  // For the time after a request, not within it.
  void catch_up(const Config& config, TimePoint now, ProcessSlot self = kNoSlot) noexcept;

  // ---- sharing

  // What this balancer has at an endpoint: requests that queue there, and seconds of their work.
  // To be told to others.
  struct Own {
    float requests = 0, work = 0;
  };
  Own own(EndpointId id) const noexcept;
  // Requests that all others have there, together; and that they were heard, once all endpoints are
  // told. It is shown. `tellers`, how many told it, is 0 where others are not to count; else
  // policies by score ask the toll of src/guard/toll.h. Without news for kStale all of it fades,
  // and after kHearsay it is forgotten. By one process at a time.
  static constexpr Duration kStale = std::chrono::seconds(1), kHearsay = std::chrono::seconds(5);
  void hear(EndpointId id, float requests) noexcept;
  void heard(std::uint32_t tellers, TimePoint now) noexcept;
  // How much still holds of what was told so long ago, from 1 to 0.
  static constexpr float hearsay_left(Duration age) noexcept {
    constexpr auto kSpan = static_cast<float>((kHearsay - kStale).count());
    const float over = static_cast<float>((age - kStale).count()) / kSpan;
    return over > 0 ? (over < 1 ? 1 - over : 0) : 1;
  }

  // ---- probes

  // Of all processes one probes: who calls it now and then (every kProbeLease / 4 or so) and gets
  // true. Another one has it once that is dead, or says nothing for kProbeLease.
  static constexpr Duration kProbeLease = std::chrono::milliseconds(1500);
  bool lead_probes(Incarnation self, IsAlive alive, TimePoint now) noexcept;
  // Whether this process still has it: before each probe and each result. One word is read.
  bool leads_probes(Incarnation self, TimePoint now) const noexcept;
  void stop_probes(Incarnation self) noexcept;
  // What one probe found. An endpoint that failed and passes again starts unknown.
  ProbeChange note_probe(EndpointId id, const ProbeResult& result, const Config& config,
                         TimePoint now) noexcept;
  // Duration::max() when there was none.
  Duration since_probe(EndpointId id, TimePoint now) const noexcept;

  // What one scrape found, by who leads the probes: a load report, if `result` passed.
  ProbeChange note_scrape(EndpointId id, const ProbeResult& result, const LoadReport& report,
                          const Config& config, TimePoint now) noexcept;
  // Duration::max() when there was none.
  Duration since_scrape(EndpointId id, TimePoint now) const noexcept;

  bool is_in_panic() const noexcept;
  // True once for each time that is_in_panic() changed, in one process of all.
  bool take_panic_news() noexcept;

  // ---- reading

  // Empty when there is no such place. A view of the pool's memory.
  std::string_view endpoint_name(EndpointId id) const noexcept;
  EndpointView view(EndpointId id, const Config& config, TimePoint now) const noexcept;
  PoolView view() const noexcept;
  // How many endpoints there are. O(1).
  std::size_t endpoints() const noexcept;
  Chooser chooser() const noexcept;
  // Answers that the pool has learned from. O(1).
  std::uint64_t samples() const noexcept;
  // Calls `visit` for each endpoint that is not retired, in the order of ids.
  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    for (std::size_t i = 0; i < capacity(); ++i) {
      if (in_use(EndpointId{static_cast<std::uint32_t>(i)})) {
        visit(EndpointId{static_cast<std::uint32_t>(i)});
      }
    }
  }
  // The first endpoint that is not retired from place `place` on; kNoEndpoint if there is none.
  EndpointId next(std::uint32_t place) const noexcept;
  // The first place from `place` on of which a route is known; kNoRoute if there is none.
  static constexpr std::uint32_t kNoRoute = 0xffffffff;
  std::uint32_t next_route(std::uint32_t place) const noexcept;
  RouteView route(std::uint32_t place) const noexcept;
  // Of a pool that only watches.
  ShadowView shadow(TimePoint now) const noexcept;
  // The i-th last of the decisions that were written down, about two a second; false when there
  // is none, or it is just being replaced.
  bool decision(std::size_t i, TimePoint now, Decision& out) const noexcept;
  // The i-th last step of the pool's ten minutes; false when there was none.
  bool moment(std::size_t i, TimePoint now, MomentView& out) const noexcept;
  // Answer times of one endpoint (Outcome::occupied), log-linear; see histogram.h.
  std::uint64_t histogram_count(EndpointId id, std::size_t bucket) const noexcept;

 private:
  friend class Picker;
  friend struct PickContext;
  state::Shared shared() const noexcept;
  bool in_use(EndpointId id) const noexcept;

  state::Header* header_ = nullptr;
  // Kept here, not read from the memory: damage there must not lead out of it.
  std::uint32_t capacity_ = 0;
  std::uint32_t sets_ = 0;  // of the residency
};

}  // namespace leastwise

#endif  // LEASTWISE_POOL_H_
