// Candidates: which members may be picked for a request, and which of them a policy looks at.
#ifndef LEASTWISE_SRC_PICK_CANDIDATES_H_
#define LEASTWISE_SRC_PICK_CANDIDATES_H_

#include <array>
#include <cstdint>
#include <span>

#include "memory/health.h"
#include "pick/pick_context.h"
#include "pick/score_trees.h"
#include "pick/turns.h"

namespace leastwise {

// Whom a pick looks at, one round after the other until somebody may be picked.
struct Round {
  MemberIndex begin, end;
  std::uint32_t barred;
  Reason reason;
};

inline constexpr std::uint32_t kBarredInPanic = kDown | state::kUnproven;

// Backups come before panic: draining servers, outliers, those that fail their probes, and now and
// then one that failed too often are the last resort.
inline std::array<Round, 3> rounds_of(MemberIndex primaries, MemberIndex count) noexcept {
  return {{{0, primaries, state::kBarred, Reason::kPolicy},
           {primaries, count, state::kBarred, Reason::kBackup},
           {0, count, kBarredInPanic, Reason::kPanic}}};
}

// Whether a pick is to be written down or counted apart: one test for all that is seldom.
[[gnu::always_inline]] inline bool is_noteworthy(const state::Shared& shared,
                                                 Reason reason) noexcept {
  return (shared->note_next.get() |
          (static_cast<std::uint32_t>(reason) ^ static_cast<std::uint32_t>(Reason::kPolicy))) != 0;
}

// Whether a member may be picked.
struct Filter {
  const PickContext& context;
  const Tried& tried;
  std::uint32_t barred;  // flags that exclude
  bool special;          // some endpoint may be barred, limited or failing
  bool first_try = tried.empty();

  bool passes_all() const noexcept { return first_try && !special; }

  [[gnu::always_inline]] bool operator()(MemberIndex member) const noexcept {
    const state::Hot& endpoint = context.endpoint(member);
    const std::uint32_t flags = endpoint.flags.get();
    if ((flags & (barred | state::kLimited)) == 0 && endpoint.health.get() == 0) {
      return first_try || !tried.contains(member);
    }
    if ((flags & barred) != 0 ||
        out_of_service(endpoint, context.record(member), milliseconds(context.now),
                       barred == kBarredInPanic))
      return false;
    const std::uint32_t limit = endpoint.max_conns.get();
    if (limit != 0 && load::in_flight(endpoint.load.get()) >= limit) return false;
    return first_try || !tried.contains(member);
  }
};

// Members [begin, end), and how to find some of them when they are many.
struct Range {
  MemberIndex begin, end;
  const Policy& policy;
  std::span<const RingPoint> ring;
  ScoreTrees* trees;  // nullptr: none, or not to be used for this request
  Turns* turns;       // nullptr: not under this policy
  bool has_tree;      // of turns: for this range and request
};

// Cost and demand of a member, as turns go by them.
float turn_cost(const PickContext& context, const Policy& policy, MemberIndex member) noexcept;
float turn_demand(const PickContext& context, const Policy& policy, MemberIndex member) noexcept;

// Fills the candidates: with all, when they are few; of more, with the next in turn, what the
// request's key leads to, the two that score best, or a random draw. Only when none of those may
// be picked, all are looked at.
void collect(PickContext& context, const Filter& filter, const Range& range) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_CANDIDATES_H_
