// Score trees: the best of many endpoints in O(log n), for policies that go by score.
//
// Three tournament trees over the members, one for each kind of request: cheap, mean and dear,
// since a dear one minds a slow server more than a queue. A leaf holds the member's score as it
// was when last looked at, with 1 % of jitter so that equals do not all draw the same crowd. Leaves
// are renewed where something happened (a pick, an answer), and one more with each pick in a
// sweep over all, because other processes, the tick and time change scores as well. So a tree is
// a little out of date: its two best are candidates, and are scored exactly.
//
// Private to one thread; the memory is the Picker's. Nothing in it is trusted beyond a hint.
#ifndef LEASTWISE_SRC_PICK_SCORE_TREES_H_
#define LEASTWISE_SRC_PICK_SCORE_TREES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "leastwise/picker.h"
#include "pick/score.h"
#include "words/plan.h"

namespace leastwise {

class ScoreTrees {
 public:
  static constexpr std::size_t kTrees = 3;

  static constexpr std::size_t nodes_for(std::size_t members) noexcept {
    return kTrees * 2 * members;
  }

  // `nodes` holds nodes_for(members); REQUIRES: members > 1.
  ScoreTrees(ScoreNode* nodes, std::uint32_t members) noexcept : nodes_(nodes), size_(members) {}

  // Bars all.
  void clear() noexcept;

  // The tree for a request of that many seconds of work.
  static std::size_t tree_for(float cost, const Plan& plan) noexcept {
    const float mean = plan.mean_cost.get();
    return cost < kCheap * mean ? 0 : cost > kDear * mean ? 2 : 1;
  }

  // Members by their leaves, best first; kNoMember where all others are barred. O(log n).
  std::array<MemberIndex, 2> best_two(std::size_t tree) const noexcept;

  // Scores the member anew; one that has a flag of `barred`, or has failed too often, is barred.
  // O(log n).
  void renew(MemberIndex member, const state::Hot& endpoint, const Score<Float4>& score,
             std::uint32_t barred, float near, Rng& rng) noexcept;
  void bar(MemberIndex member) noexcept;

  // How to score for each tree: lane k for tree k.
  static Score<Float4> score_for(const Plan& plan, TimePoint now) noexcept;

 private:
  // In mean costs: what separates the trees, and what each is made for.
  static constexpr float kCheap = 0.4F;
  static constexpr float kDear = 2.5F;
  static constexpr float kBarred = std::numeric_limits<float>::infinity();

  ScoreNode* tree(std::size_t number) const noexcept { return nodes_ + number * 2 * size_; }
  void put(std::size_t number, MemberIndex member, float score) noexcept;

  ScoreNode* nodes_;
  std::uint32_t size_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_SCORE_TREES_H_
