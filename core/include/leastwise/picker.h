// Picker: the hot half, as one thread of one process uses it. It chooses an endpoint
// for each attempt, and takes the attempt's outcome back.
//
// pick() and finish() come in pairs: exactly one finish (or answered() and release()) per ticket,
// also for attempts that were cancelled, timed out or retried. Neither allocates, locks, blocks,
// throws nor calls the system. A pick costs O(members) up to 64 members and O(log members) above;
// more only when nearly all of them can not be picked, or with counts of the front end.
#ifndef LEASTWISE_PICKER_H_
#define LEASTWISE_PICKER_H_

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "leastwise/config.h"
#include "leastwise/decay.h"
#include "leastwise/endpoint.h"
#include "leastwise/explain.h"
#include "leastwise/outcome.h"
#include "leastwise/pool.h"
#include "leastwise/prompt.h"
#include "leastwise/rng.h"
#include "leastwise/route.h"
#include "leastwise/status.h"

namespace leastwise {

// Position of an endpoint in the list that a Picker was given: the front end's own
// order, by which it finds its own server again.
using MemberIndex = std::uint32_t;
inline constexpr MemberIndex kNoMember = 0xffffffff;

struct Member {
  EndpointId id = kNoEndpoint;
  bool backup = false;  // picked only when no other member can be
};

// One of a member's places on the circle of keys (src/pick/key_ring.h).
struct RingPoint {
  static constexpr std::size_t kPerMember = 4;

  std::uint32_t at = 0;
  MemberIndex member = kNoMember;
};

// Of a tree over the members of a large pool (src/pick/score_trees.h): the least score below, and
// whose it is. One word, the score's bits above the member: of scores that are not negative the
// lesser word is the lesser score.
struct ScoreNode {
  std::uint64_t word = kNoMember;

  static constexpr ScoreNode of(float score, MemberIndex member) noexcept {
    return {std::uint64_t{std::bit_cast<std::uint32_t>(score)} << 32 | member};
  }
  constexpr float score() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(word >> 32));
  }
  constexpr MemberIndex member() const noexcept { return static_cast<MemberIndex>(word); }

  friend constexpr auto operator<=>(ScoreNode, ScoreNode) noexcept = default;
};

// Of a member of a large pool: when its next turn is due, and what it costs (src/pick/turns.h).
struct TurnPlace {
  double due = 0;
  float cost = 0;
};

// What a pick is told about a request. Views must live as long as the call only.
struct Request {
  // Hash of what tells cheap requests from dear ones; 0 = not told apart.
  std::uint64_t route = 0;
  // For the policy `hash` and for affinity: hash of what keeps a client on one server; 0 =
  // nothing does.
  std::uint64_t key = 0;
  // What the front end knows to be in flight, by member; empty: the pool's own counts.
  std::span<const std::uint32_t> in_flight;
  // Of `route`; empty: it has no family.
  RouteName name = {};
  // For the policy `inference`: what a model server is asked to read; nullptr: not known.
  const Prompt* prompt = nullptr;
};

// Members that one request has tried. Keeps the last kRemembered of them, so that a
// retry is O(1) in a pool of any size.
class Tried {
 public:
  static constexpr std::size_t kRemembered = 32;

  constexpr bool contains(MemberIndex member) const noexcept {
    const std::size_t n = count_ < kRemembered ? count_ : kRemembered;
    for (std::size_t i = 0; i < n; ++i) {
      if (members_[i] == member) return true;
    }
    return false;
  }
  constexpr void insert(MemberIndex member) noexcept { members_[count_++ % kRemembered] = member; }
  constexpr bool empty() const noexcept { return count_ == 0; }

 private:
  std::uint32_t count_ = 0;
  std::array<MemberIndex, kRemembered> members_{};
};

// The failures of one request that nobody is blamed for yet: whether the server or the request is
// at fault shows when the same request is tried elsewhere (src/learn/blame.cc). Plain data; the
// caller keeps it with the request, from its first attempt to Picker::settle().
class Verdict {
 public:
  static constexpr std::size_t kMost = 8;  // failures that can wait

  bool empty() const noexcept { return count_ == 0; }

  // Of the last call that got this verdict: who was blamed for what counts towards max_fails,
  // whether that was the failure which leaves it out, and how many were put down to the request.
  struct Blamed {
    MemberIndex member = kNoMember;
    bool is_out = false;
  };
  std::span<const Blamed> blamed() const noexcept { return {blamed_.data(), blamed_count_}; }
  std::uint32_t forgiven() const noexcept { return forgiven_; }

 private:
  friend class Picker;
  struct Failure {
    MemberIndex member;
    EndpointId id;
    std::uint16_t route;
    Result result;
    bool counts_as_fail;
  };
  void begin() noexcept { blamed_count_ = forgiven_ = 0; }

  std::array<Failure, kMost> failures_{};
  std::array<Blamed, kMost> blamed_{};
  std::uint32_t count_ = 0, blamed_count_ = 0, forgiven_ = 0;
};

// An attempt in flight: what pick() counted and predicted, to be handed to finish().
// Plain data; the caller keeps it wherever it likes.
struct Ticket {
  // In a pool of model servers, in bytes of prompt. In front, because GCC would zero them together
  // with the others, word by word in a loop, were they behind.
  std::uint32_t prompt_bytes = 0;    // of the whole; of a prompt that was not told, a usual one's
  std::uint32_t uncached_bytes = 0;  // what its server is not thought to have cached of it
  float first_token = 0;             // seconds until its first token, as expected; 0 = unknown
  float first_token_after = 0;       // in which it came; 0 = not yet, or nobody said

  MemberIndex member = kNoMember;
  MemberIndex second = kNoMember;  // the runner-up, kNoMember if there was no other
  EndpointId id = kNoEndpoint;
  std::uint32_t in_flight = 0;  // of the endpoint, before this attempt;
  std::uint32_t at_server = 0;  // those that were not on their way
  std::uint64_t load = 0;       // what was added to the endpoint's load word; 0 = not counted
  TimePoint start{};
  float cost = 0;           // x_r, seconds of work predicted
  float slow_cost = 0;      // x_r', its slow copy
  float ahead = 0;          // m', cost of a request in front of this one
  float mean_ahead = 0;     // m, the same without this request's own share
  float wait = 0;           // w(q)
  float predicted = 0;      // p = x_r + w m', seconds of work and waiting
  float delay = 0;          // b + g p, seconds: the answer time to expect; 0 if unlearned
  float score = 0;          // the winner's, in the policy's own unit; 0 if it has none
  float second_score = 0;   // the runner-up's
  std::uint16_t route = 0;  // slot of the route table
  Reason reason = Reason::kNone;
  std::uint8_t cached_age = 0;  // of what its server has of the prompt: prompt/residency.h
  bool is_trial = false;        // of an endpoint that was slow, to see whether it still is
  bool is_guest = false;        // it keeps its place for long (src/model/guests.h),
  bool is_idle = false;         // and nobody waits for it
  // Those of the endpoint, before this attempt, and how many of them are not in at_server.
  std::uint16_t guest = 0;  // route of the last
  std::uint16_t guests = 0;
  std::uint16_t idle = 0;
  bool is_reading = false;  // counted with those whose first token has not come
  bool is_unread = false;   // a prompt was told of which its server has not read the rest yet

  explicit operator bool() const noexcept { return id != kNoEndpoint; }
};

// Where a request would have gone that the front end sent elsewhere or there as well: of
// Picker::watch(), to be handed to compare(). Plain data.
struct Would {
  MemberIndex member = kNoMember;  // kNoMember: nothing is learned yet, or nobody may be picked
  EndpointId id = kNoEndpoint;
  std::uint32_t load = 0;  // what was added to what would be in flight there
};

class Picker {
 public:
  // Bytes of private memory that a Picker over that many members needs.
  static std::size_t bytes_for(std::size_t members) noexcept;

  // `memory` is the caller's, 8-byte aligned, private to this thread, and outlives
  // the Picker. Make a new one whenever the list of members changes.
  static Status create(const Pool& pool, ProcessSlot slot, std::span<const Member> members,
                       std::span<std::byte> memory, std::uint64_t seed, Picker& out) noexcept;

  Picker() noexcept = default;
  explicit operator bool() const noexcept { return bool(pool_); }
  const Pool& pool() const noexcept { return pool_; }
  std::span<const Member> members() const noexcept { return {members_, count_}; }

  // Chooses among the members that are up, not tried, not failed and below their
  // max_conns, counts the attempt as started, and adds it to `tried`. When no member
  // is left: backups, then those that are draining, then a false ticket.
  Ticket pick(const Config& config, const Request& request, Tried& tried, TimePoint now) noexcept;

  // Counts an attempt on a member that the front end chose itself, as pick() would.
  Ticket adopt(const Config& config, const Request& request, MemberIndex member,
               TimePoint now) noexcept;

  // With a verdict the blame for a failure may wait until it is known how the request fares
  // elsewhere; all else is learned at once. Without one the attempt is judged by itself.
  void finish(const Config& config, const Ticket& ticket, const Outcome& outcome, TimePoint now,
              Verdict* verdict = nullptr) noexcept;
  // The request is over, or nobody tries it again: whoever still waits is blamed or forgiven.
  void settle(const Config& config, Verdict& verdict, TimePoint now) noexcept;
  // The request is being answered well elsewhere: all who wait are blamed.
  void blame_all(const Config& config, Verdict& verdict, TimePoint now) noexcept;

  // For a pool that only watches (Config::observe). As adopt(), and notes what pick() would have
  // chosen if all requests had gone where it would have sent them. O(members).
  Ticket watch(const Config& config, const Request& request, MemberIndex member, const Tried& tried,
               TimePoint now, Would& would) noexcept;
  // What the answer says of either choice: once for each watch(), beside finish() or answered().
  void compare(const Ticket& ticket, Would& would, const Outcome& outcome) noexcept;

  // For the policy `inference`: the first token of the answer came, `now`. At most once a ticket is
  // of use; without it, Outcome::first_token says so at the end, when it helps less: until then the
  // prompt is taken to be waiting to be read. O(1).
  void first_token(Ticket& ticket, TimePoint now) noexcept;

  // finish() in two steps, for an attempt whose end says nothing of the endpoint, such as a tunnel:
  // answered() learns from what there is to learn and takes its work away. It keeps its place, by
  // which max_conns and the count in flight go, until release() gives that back.
  void answered(const Config& config, Ticket& ticket, const Outcome& outcome, TimePoint now,
                Verdict* verdict = nullptr) noexcept;
  void release(const Config& config, const Ticket& ticket, TimePoint now) noexcept;

 private:
  PickContext look(const Config& config, const Request& request, TimePoint now) noexcept;
  PickContext look(const Config&, const Request&&, TimePoint) = delete;  // refers to the request
  std::span<const std::uint32_t> count_shadow() noexcept;
  MemberIndex choose(PickContext& context, const Tried& tried) noexcept;
  // False, and the ticket as it was, where the endpoint has no place left.
  bool start(PickContext& context, const Choice& choice, Ticket& ticket) noexcept;
  bool keeps_trees(const Config& config) const noexcept;
  bool takes_turns(const Policy& policy) const noexcept;
  void pick_in_turn(const Config& config, const Request& request, Tried& tried, TimePoint now,
                    Ticket& ticket) noexcept;
  [[gnu::noinline, gnu::cold]] void note(const PickContext& context, const Ticket& ticket) noexcept;
  void note_decision(const PickContext& context, const Ticket& ticket) noexcept;
  void renew_turn(PickContext& context, MemberIndex served) noexcept;
  void renew_place(const Config& config, MemberIndex member, TimePoint now) noexcept;
  bool are_trees_grown(TimePoint now) noexcept;
  void renew_leaves(std::span<const MemberIndex> members, TimePoint now) noexcept;
  void renew_leaves(const Ticket& ticket, TimePoint now) noexcept;
  // An endpoint's, looked up once.
  struct Words {
    state::Hot& hot;
    state::Record& record;
  };
  void take_in(const Config& config, const Ticket& ticket, const Outcome& outcome, TimePoint now,
               Verdict* verdict, const Words& words) noexcept;
  void learn(const Config& config, const Ticket& ticket, const Outcome& outcome, TimePoint now,
             Verdict* verdict, const Words& words) noexcept;
  [[gnu::cold]] void accuse(const Config& config, const Verdict::Failure& failure, TimePoint now,
                            Verdict* verdict) noexcept;
  void judge(const Config& config, const Verdict::Failure& failure, TimePoint now,
             Verdict* verdict) noexcept;
  void blame(const Config& config, const Verdict::Failure& failure, TimePoint now,
             Verdict* verdict) noexcept;
  void forgive(const Verdict::Failure& failure, TimePoint now, Verdict* verdict) noexcept;
  void renew(const Config& config, MemberIndex member, TimePoint now) noexcept;
  void learn_distance(state::Record& record, const Ticket& ticket, const Outcome& outcome,
                      bool is_quick) noexcept;
  void learn_speed(const Words& words, const Ticket& ticket, const Outcome& outcome,
                   std::int64_t now_ms) noexcept;
  [[gnu::cold]] void learn_wait(const Config& config, const Ticket& ticket, const Outcome& outcome,
                                TimePoint now) noexcept;
  void learn_place(const Ticket& ticket, Duration beyond) noexcept;
  [[gnu::noinline, gnu::cold]] void begin_prompt(const PickContext& context,
                                                 Ticket& ticket) noexcept;
  [[gnu::noinline, gnu::cold]] void end_prompt(const Ticket& ticket, const Outcome& outcome,
                                               TimePoint now) noexcept;

  Pool pool_;
  ProcessSlot slot_{};
  const Member* members_ = nullptr;
  const RingPoint* ring_ = nullptr;  // of all members, in the order of the circle
  ScoreNode* trees_ = nullptr;       // over the primaries, when they are many
  std::int64_t* turn_ = nullptr;     // smooth weighted round robin: each member's credit
  std::uint32_t* counts_ = nullptr;  // by member, for one call
  std::uint32_t count_ = 0;
  std::uint32_t primaries_ = 0;       // members that are not backups
  TurnPlace* places_ = nullptr;       // of all members, when they are many,
  MemberIndex* turn_tree_ = nullptr;  // over the primaries
  double turn_now_ = 0;
  std::uint32_t cursor_ = 0;  // of the sweep over places
  std::uint32_t swept_ = 0;   // leaves of the trees that were looked at, and then where
  Rng rng_{0};
  Decay decay_;
};

}  // namespace leastwise

#endif  // LEASTWISE_PICKER_H_
