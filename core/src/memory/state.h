// State: what lies in a pool's shared memory, and where.
//
//   Header | Hot[capacity] | Record[capacity] | Learned[capacity] | Window[capacity] |
//   Shadowed[capacity] | ledger[processes][capacity] | Prompts (memory/prompts.h), if any
//
// No pointers, no locks. Who writes what: Hot and Record by every process, Learned, Window and
// Header::model by the one that holds the tick, ledger row s by the process in slot s.
#ifndef LEASTWISE_SRC_MEMORY_STATE_H_
#define LEASTWISE_SRC_MEMORY_STATE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "leastwise/endpoint.h"
#include "leastwise/histogram.h"
#include "leastwise/outcome.h"
#include "leastwise/pool.h"
#include "memory/history.h"
#include "memory/prompts.h"
#include "memory/shadow.h"
#include "model/model.h"
#include "model/switchback.h"
#include "words/answer_ring.h"
#include "words/cell.h"
#include "words/failing_routes.h"
#include "words/float4.h"
#include "words/plan.h"
#include "words/routes.h"

namespace leastwise::state {

inline constexpr std::uint64_t kMagic = 0x6c65617374776973;  // "leastwis"
// Raise with every change of what lies in shared memory.
inline constexpr std::uint32_t kLayout = 28;

// Set beside the owner's flags.
inline constexpr std::uint32_t kLimited = 1U << 31;  // max_conns is not zero
inline constexpr std::uint32_t kEjected = 1U << 30;  // an outlier, by the holder of the tick
// By probes: guard/probe.h.
inline constexpr std::uint32_t kProbeFailed = 1U << 29;  // its probes do
inline constexpr std::uint32_t kProbeBarred = 1U << 28;  // and so it is left out
inline constexpr std::uint32_t kUnproven = 1U << 27;     // it has to pass one first
inline constexpr std::uint32_t kProbeFlags = kProbeFailed | kProbeBarred | kUnproven;
// Who has one of these is not picked, but in a panic.
inline constexpr std::uint32_t kBarred = kDown | kDraining | kEjected | kProbeBarred | kUnproven;

// What a pick reads and every request writes: one line per endpoint, so that two
// endpoints never contend.
struct alignas(64) Hot {
  Cell<std::uint64_t> load;    // packed.h, load
  Cell<std::uint64_t> speed;   // packed.h, speed
  Cell<std::uint64_t> error;   // packed.h, error
  Cell<std::uint64_t> health;  // packed.h, health
  Cell<float> base;            // b, seconds: what the way there takes
  Cell<float> handicap;        // seconds added to the predicted delay; advice.h
  Cell<float> slowness;        // g, from `speed` at the last answer or tick; 0 = unknown: G
  Cell<float> inverse_weight;  // 1 / (weight × factors); advice.h
  Cell<std::uint32_t> max_conns;
  Cell<std::uint32_t> flags;  // EndpointFlag
  Cell<std::uint32_t> away;   // packed.h: of those in flight, who do not queue

  // base, handicap, slowness, inverse_weight.
  Float4 terms() const noexcept { return get_four(&base); }
};
static_assert(sizeof(Hot) == 64);
static_assert(offsetof(Hot, base) % sizeof(Float4) == 0);
static_assert(offsetof(Hot, inverse_weight) == offsetof(Hot, base) + 3 * sizeof(float));

// A place in the table of names. Free ones end a search and never come back; see endpoints.cc.
enum class Use : std::uint32_t {
  kFree,
  kClaimed,  // somebody writes a name here, and nobody else may
  kAsking,   // the name is here, but may be in use elsewhere
  kInUse,
  kRetired,  // left the configuration; its name brings it back
  kSpare,    // was asking, and is in use elsewhere: no name
};

// The use of a place, and above it how often that has changed, so that who saw a place can tell
// whether it is still the same.
class UseWord {
 public:
  UseWord() noexcept = default;
  Use use() const noexcept { return static_cast<Use>(word_ & kMask); }
  UseWord next(Use use) const noexcept {
    return UseWord(((word_ & ~kMask) + kMask + 1) | static_cast<std::uint32_t>(use));
  }
  friend bool operator==(UseWord, UseWord) noexcept = default;

 private:
  static constexpr std::uint32_t kMask = 7;
  explicit UseWord(std::uint32_t word) noexcept : word_(word) {}
  std::uint32_t word_ = 0;
};
static_assert(std::atomic<UseWord>::is_always_lock_free, "shared by processes");

// Picks per second of an endpoint, whatever its memory holds.
inline constexpr float kMostRate = 1e7F;

// Name and counters of an endpoint.
struct alignas(64) Record {
  // relaxed: for who does not read the name.
  bool is_in_use() const noexcept {
    return place.load(std::memory_order_relaxed).use() == Use::kInUse;
  }

  std::atomic<UseWord> place;  // name and hash are published by kAsking
  Cell<std::uint32_t> name_size;
  Cell<std::uint64_t> name_hash;
  Cell<std::uint64_t> answer_time;  // packed.h; kept while the policy asks for it
  std::array<char, kMaxEndpointName + 1> name;
  Cell<std::uint32_t> weight;
  Cell<std::uint32_t> max_fails;
  Cell<std::uint32_t> fail_timeout_ms;
  Cell<std::uint32_t> order;  // its place in the configuration

  Cell<std::uint64_t> retired_at;  // Header::ticks then

  // What an operator changed (Change), and what the configuration says of it: see changes.cc.
  Cell<std::uint32_t> changed;
  Cell<std::uint32_t> own_weight, own_max_conns, own_max_fails, own_fail_timeout_ms, own_flags;

  // Of slow start: see slow_start.h.
  Cell<std::uint32_t> serves;  // it did, at the last tick
  Cell<float> warmth;          // part of the weight that it has; 0 = not yet looked at: all
  Cell<std::int64_t> warm_since_ms;

  Cell<float> rate;                // picks per second, smoothed: see transit.h
  Cell<std::uint32_t> picks_seen;  // of the rate
  Cell<std::uint32_t> refuses;     // its last failure was a refused connection: learn/pardon.h
  Cell<float> trial;               // g as it was; 0 = on no trial: learn/slowness.h

  // What a request here takes less for being answered in a cheap kind, seconds: see brevity.h.
  Cell<float> spared;

  // Of probes: see guard/probe.h.
  Cell<std::uint32_t> probes;
  Cell<std::uint64_t> probe;  // words/probe_word.h

  // Of load reports: see load_report.h.
  Cell<std::uint64_t> reported;  // packed.h, reported
  Cell<std::uint64_t> queued;    // packed.h, queued
  Cell<std::uint64_t> scrape;    // words/probe_word.h
  Cell<std::uint64_t> reports, reports_refused;
  Cell<float> report_factor;  // times the score; 0 = not yet looked at: 1
  Cell<float> report_demand;  // d: throughput per utilisation, of the median's; 0 = unknown: 1
  Cell<float> capacity;       // picks per second at full utilisation, smoothed; 0 = unknown

  // Of the outlier watch: see outlier.h.
  Cell<std::uint32_t> relapses;
  Cell<std::int64_t> ejected_until_ms, ejected_ms;
  Cell<Ejection> ejected_why;
  Cell<std::uint32_t> probes_failed;
  std::array<Cell<std::uint32_t>, kEjections> ejections;  // by reason

  Cell<std::uint64_t> forgiven;  // failures that were put down to the request: see blame.cc

  Cell<float> fastest;  // shortest answer of this window, seconds; 0 = none yet
  Cell<float> heard_requests;  // that other balancers have here by their last reports

  // What each answer counts, in two lines: this, and the rest up to results[kOk].
  alignas(64) Cell<std::uint64_t> picks;
  Cell<std::uint64_t> bytes_sent, bytes_received;
  Cell<std::uint64_t> connect_us, connects, first_byte_us, first_bytes, occupied_us;
  std::array<Cell<std::uint64_t>, 6> responses;
  Cell<std::uint32_t> failures_in_a_row;  // of the outlier watch
  // Here, where a pick writes anyhow:
  Cell<std::uint32_t> guests;  // packed.h
  std::array<Cell<std::uint64_t>, kResults> results;
  Cell<std::uint64_t> healed;
  std::array<Cell<std::uint64_t>, Histogram::kBuckets> times;  // 32 bits last five days at 10,000/s
};
static_assert(offsetof(Record, results) % 64 == 56);

// Row of the ledger: whose in-flight counts these are, and who gives them back. 0 = nobody.
struct Process {
  std::atomic<std::uint64_t> owner;  // processes.cc
  std::atomic<std::uint64_t> healer;
};
// Whether the cells of a row count: it has an owner, who has cleared them.
bool is_counted(const Process& process) noexcept;

// Who is in the tick: since when (ms), and which row it has, so that its death ends it.
namespace entry {

inline constexpr unsigned kSlotBits = 9;
inline constexpr std::int64_t kNoRow = (1 << kSlotBits) - 1;
static_assert(kMaxProcesses <= kNoRow);

constexpr std::int64_t of(std::int64_t ms, ProcessSlot slot) noexcept {
  const std::int64_t row = slot == kNoSlot ? kNoRow : static_cast<std::int64_t>(slot);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(ms) << kSlotBits) | row;
}
constexpr std::int64_t since(std::int64_t word) noexcept { return word >> kSlotBits; }
constexpr std::int64_t row(std::int64_t word) noexcept { return word & kNoRow; }

}  // namespace entry

struct alignas(64) Header {
  std::uint64_t magic;
  std::uint32_t layout;
  std::uint32_t capacity;
  std::uint64_t hash_seed;        // hash of a fixed name: names hash alike in this build
  Cell<std::uint32_t> endpoints;  // in use
  // Not zero: some endpoint may be barred, limited or failing, so picks look at each.
  Cell<std::uint32_t> special;
  Cell<std::uint32_t> has_round_trips;  // some attempt told one: distances go by them
  Cell<std::uint32_t> suspects;         // requests that failed since the last good answer; blame.cc
  Cell<std::uint32_t> note_next;        // not 0: the next decision is to be written down
  Cell<std::uint32_t> changes;          // of settings, by operators
  std::atomic<std::uint32_t> membership;  // how often endpoints came or went at run time
  Cell<std::int64_t> heard_ms;            // of other balancers; 0 = never
  Cell<std::uint32_t> tellers;            // who told it, all together; 0: it does not count
  std::uint32_t residency_sets;           // of Prompts; 0: it has none
  Cell<std::int64_t> stall_ended;  // µs; what was sent before tells nothing of speed: learn/stall.h

  // The tick: when it is due (µs), and who is in it (entry), 0 = nobody.
  alignas(64) Cell<std::int64_t> tick_due;
  std::atomic<std::int64_t> tick_entry;
  Cell<std::int64_t> tick_last;
  Cell<std::uint64_t> ticks, samples_lost;
  std::atomic<std::uint64_t> samples_set_aside;  // for a stall: learn/stall.h
  Cell<std::uint32_t> next_looked_after;
  Cell<std::uint32_t> stalled;  // ticks in a row in which all servers were late; learn/stall.h
  Cell<std::uint32_t> rests;    // not 0: at the last tick nothing was pending; learn/rest.cc
  Cell<std::uint32_t> rows;     // of the ledger that were ever used
  Cell<std::uint32_t> configuration;  // number of the newest
  // Ticks that still compare all counts with the ledger, since somebody died who may have been
  // between the two.
  Cell<std::uint32_t> doubt;
  static constexpr std::uint32_t kDoubt = 8;
  std::array<Process, kMaxProcesses> processes;

  // Four buffers, so that a reader may stall for three more before it sees two in one.
  static constexpr std::size_t kPlans = 4;
  alignas(64) std::atomic<std::uint32_t> plan_index;
  std::array<Plan, kPlans> plans;

  // Of probes: who sends them (words/probe_word.h), whether there were any, and whether all
  // endpoints are used since too many of them fail.
  std::atomic<std::uint64_t> prober;
  Cell<std::uint32_t> is_probed;
  Cell<std::uint32_t> panic, panic_told;
  Cell<float> usual_spared;  // Record::spared of the median endpoint

  Routes routes;
  FailingRoutes failing;
  static constexpr std::size_t kLanes = 8;  // processes share a lane when there are more
  std::array<AnswerRing, kLanes> lanes;
  Model model;
  Switchback switchback;

  // For the status alone.
  std::array<ReasonCounts, kLanes> reasons;
  Cell<std::uint64_t> former_picks;  // of endpoints whose place another name has now
  History history;
  DecisionLog decisions;
  Shadow shadow;  // memory/shadow.h

  const Plan& plan() const noexcept {
    // acquire: pairs with the release in publish(), so that the plan is seen whole.
    return plans[plan_index.load(std::memory_order_acquire) % kPlans];
  }
  ReasonCounts& reasons_of(ProcessSlot slot) noexcept {
    return reasons[static_cast<std::size_t>(slot) % kLanes];
  }
  AnswerRing& lane(ProcessSlot slot) noexcept {
    return lanes[static_cast<std::size_t>(slot) % kLanes];
  }
};

// The whole of a pool's memory, as one process sees it. Capacity and sets are the process's
// own copies, checked when it attached: damaged memory can not lead out of the memory.
class Shared {
 public:
  Shared(Header* header, std::uint32_t capacity, std::uint32_t sets = 0) noexcept
      : header_(header), capacity_(capacity), sets_(sets) {}

  Header* operator->() const noexcept { return header_; }
  std::uint32_t capacity() const noexcept { return capacity_; }
  std::span<Hot> hot() const noexcept;
  std::span<Record> records() const noexcept;
  std::span<Learned> learned() const noexcept;
  std::span<Window> windows() const noexcept;
  std::span<Shadowed> shadowed() const noexcept;
  std::span<Cell<std::int32_t>> ledger(ProcessSlot slot) const noexcept;
  bool has_prompts() const noexcept { return sets_ != 0; }
  Prompts prompts() const noexcept;

  static std::size_t bytes_for(std::size_t capacity) noexcept;

 private:
  Header* header_;
  std::uint32_t capacity_;
  std::uint32_t sets_;
};

// Whether what was measured of endpoint i says something of the pool as it is.
inline bool takes_part(const Shared& shared, std::size_t i) noexcept {
  return shared.records()[i].is_in_use() && (shared.hot()[i].flags.get() & kDown) == 0;
}

// Forgets all that was learned of one endpoint; what is in flight stays.
void forget(const Shared& shared, std::size_t i) noexcept;

void copy_counters(const Record& from, Record& to) noexcept;
// How long it is left out, why, and how often of late.
void copy_ejection(const Record& from, Record& to) noexcept;

// Sets estimates of endpoint i that can not be right to unknown.
void mend_estimates(const Shared& shared, std::size_t i) noexcept;

// Compares the in-flight counts of endpoints [from, to) with the ledger, and mends those that stay
// wrong. O(processes) for each.
void audit(const Shared& shared, std::size_t from, std::size_t to) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_MEMORY_STATE_H_
