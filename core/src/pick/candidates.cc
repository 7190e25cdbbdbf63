#include "pick/candidates.h"

#include <algorithm>
#include <array>

#include "memory/weight.h"
#include "pick/key_distance.h"
#include "pick/key_ring.h"

namespace leastwise {
namespace {

// Of a large pool: for each probe of the key the next on the ring that may be picked.
void collect_by_key(PickContext& context, const Filter& filter, const Range& range) noexcept {
  const std::span<const RingPoint> ring = range.ring;
  Candidates& found = context.candidates;
  found.by_ring = true;
  Probes probes(context.request.key);
  for (std::size_t probe = 0; probe < Candidates::kProbes; ++probe) {
    const std::uint32_t place = probes.next();
    std::size_t at = next_on_ring(ring, place);
    for (std::size_t looked = 0; looked < ring.size(); ++looked) {
      const MemberIndex m = ring[at].member;
      if (m >= range.begin && m < range.end && filter(m)) {
        found.distances[found.count()] = ring[at].at - place;
        found.add(m);
        break;
      }
      at = at + 1 < ring.size() ? at + 1 : 0;
    }
    if (found.count() == 0) return;  // nor will any other probe find one
  }
}

// Members that this request may not have, but others may.
class Held {
 public:
  bool add(MemberIndex m) noexcept {
    if (count_ == members_.size()) return false;
    members_[count_++] = m;
    return true;
  }
  std::span<const MemberIndex> all() const noexcept { return {members_.data(), count_}; }

 private:
  std::array<MemberIndex, Tried::kRemembered> members_;
  std::size_t count_ = 0;
};

// The first of the tree that may be picked, and the next. Others leave the tree until the sweep
// comes past them.
void collect_first(PickContext& context, const Filter& filter, const Range& range) noexcept {
  constexpr int kLooks = 64;
  Turns& turns = *range.turns;
  Held held;
  for (int look = 0; look < kLooks; ++look) {
    const MemberIndex m = turns.first();
    if (!(turns.at(m).cost < Turns::kBarred)) break;
    if (!filter(m)) {
      if (filter.tried.contains(m) && !held.add(m)) break;
      turns.set_cost(m, Turns::kBarred);
      continue;
    }
    const float cost = turn_cost(context, range.policy, m);
    const float believed = turns.at(m).cost;
    turns.set_cost(m, cost);
    if (cost > believed) continue;
    context.candidates.add(m);
    const MemberIndex next = turns.second();
    if (next != kNoMember && filter(next)) context.candidates.add(next);
    break;
  }
  for (const MemberIndex m : held.all()) turns.set_cost(m, turn_cost(context, range.policy, m));
}

// The same by a look at all: where there is no tree of this range, or too many are barred.
void collect_by_scan(PickContext& context, const Filter& filter, const Range& range) noexcept {
  MemberIndex best = kNoMember;
  float least = Turns::kBarred;
  for (MemberIndex m = range.begin; m != range.end; ++m) {
    if (!filter(m)) continue;
    const float cost = turn_cost(context, range.policy, m);
    if (best != kNoMember && !(cost < least) &&
        !(cost == least && range.turns->at(m).due < range.turns->at(best).due)) {
      continue;
    }
    best = m;
    least = cost;
  }
  if (best != kNoMember) context.candidates.add(best);
}

void collect_random(PickContext& context, const Filter& filter, const Range& range) noexcept {
  for (std::size_t draw = 0; draw < PickContext::kDraws; ++draw) {
    const MemberIndex m = range.begin + context.rng.below(range.end - range.begin);
    if (filter(m)) context.candidates.add(m);
  }
}

// The two best of the tree that fits the request's cost. Those that may not be picked after all
// leave the trees until they are looked at again; false when too many of them stand in front.
bool collect_best(PickContext& context, const Filter& filter, ScoreTrees& trees) noexcept {
  constexpr int kLooks = 4;
  const std::size_t tree = ScoreTrees::tree_for(context.costs.cost, context.plan);
  for (int look = 0; look < kLooks; ++look) {
    bool may_be_picked = true;
    for (const MemberIndex m : trees.best_two(tree)) {
      if (m == kNoMember || filter(m)) continue;
      may_be_picked = false;
      if (filter.tried.contains(m)) return false;  // another request may have it
      trees.bar(m);
    }
    if (!may_be_picked) continue;
    for (const MemberIndex m : trees.best_two(tree)) {
      if (m != kNoMember) context.candidates.add(m);
    }
    return context.candidates.count() > 0;
  }
  return false;
}

void collect_any(PickContext& context, const Filter& filter, const Range& range) noexcept {
  const std::uint32_t size = range.end - range.begin;
  const std::uint32_t start = context.rng.below(size);
  for (std::uint32_t i = 0; i < size && context.candidates.count() == 0; ++i) {
    const MemberIndex m = range.begin + (start + i) % size;
    if (filter(m)) context.candidates.add(m);
  }
}

void collect_few(PickContext& context, const Filter& filter, const Range& range) noexcept {
  if (range.begin == 0 && filter.passes_all()) {
    return context.candidates.set_first(range.end);
  }
  for (MemberIndex m = range.begin; m != range.end; ++m) {
    if (filter(m)) context.candidates.add(m);
  }
}

void collect_many(PickContext& context, const Filter& filter, const Range& range) noexcept {
  if (range.turns != nullptr) {
    if (range.has_tree) collect_first(context, filter, range);
    if (context.candidates.count() == 0) collect_by_scan(context, filter, range);
    return;
  }
  if (range.trees == nullptr || !collect_best(context, filter, *range.trees)) {
    collect_random(context, filter, range);
  }
  if (context.candidates.count() == 0) collect_any(context, filter, range);
}

// Of a large pool: the member that the key belongs to. Leaves no candidates.
void find_home(PickContext& context, const Filter& filter, const Range& range) noexcept {
  collect_by_key(context, filter, range);
  if (context.candidates.count() > 0) context.home = nearest_to_key(context);
  context.candidates.clear();
  context.candidates.by_ring = false;
}

}  // namespace

float turn_cost(const PickContext& context, const Policy& policy, MemberIndex member) noexcept {
  if (!policy.by_count) return 0;
  return static_cast<float>(context.in_flight(member)) *
         context.endpoint(member).inverse_weight.get();
}

float turn_demand(const PickContext& context, const Policy& policy, MemberIndex member) noexcept {
  return policy.demand != nullptr ? policy.demand(context, member)
                                  : state::effective_weight(context.record(member));
}

void collect(PickContext& context, const Filter& filter, const Range& range) noexcept {
  Candidates& found = context.candidates;
  found.clear();
  found.by_ring = false;
  context.home = kNoMember;
  const bool has_key = context.request.key != 0;
  const bool has_home = has_key && range.policy.by_score && context.config.affinity.value > 0;
  if (range.end - range.begin <= PickContext::kMost) {
    collect_few(context, filter, range);
    if (has_home && found.count() > 0) context.home = nearest_to_key(context);
    return;
  }
  if (has_key && range.policy.by_key) return collect_by_key(context, filter, range);
  if (has_home) find_home(context, filter, range);
  collect_many(context, filter, range);
  if (context.home == kNoMember) return;
  if (std::ranges::find(context.all(), context.home) == context.all().end()) {
    found.add(context.home);
  }
}

}  // namespace leastwise
