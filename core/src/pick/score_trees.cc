#include "pick/score_trees.h"

#include <algorithm>

#include "pick/transit.h"

namespace leastwise {
namespace {

constexpr Float4 kCosts = {0.15F, 1, 6};  // by tree, in mean costs
constexpr float kJitter = 0.01F;

}  // namespace

void ScoreTrees::clear() noexcept {
  for (std::size_t number = 0; number < kTrees; ++number) {
    std::fill_n(tree(number), 2 * size_, ScoreNode::of(kBarred, kNoMember));
  }
}

// The second best is the best of those that the winner met on its way up.
std::array<MemberIndex, 2> ScoreTrees::best_two(std::size_t number) const noexcept {
  const ScoreNode* nodes = tree(number);
  const MemberIndex best = nodes[1].member();
  if (best >= size_ || !(nodes[1].score() < kBarred)) return {kNoMember, kNoMember};
  ScoreNode second = ScoreNode::of(kBarred, kNoMember);
  for (std::uint32_t at = size_ + best; at > 1; at /= 2) second = std::min(second, nodes[at ^ 1]);
  return {best, second.score() < kBarred ? second.member() : kNoMember};
}

void ScoreTrees::put(std::size_t number, MemberIndex member, float score) noexcept {
  ScoreNode* nodes = tree(number);
  std::uint32_t at = size_ + member;
  ScoreNode least = ScoreNode::of(score, member);
  nodes[at] = least;
  while (at > 1) {
    least = std::min(least, nodes[at ^ 1]);
    at /= 2;
    if (nodes[at] == least) return;  // above, nothing changes where nothing has changed here
    nodes[at] = least;
  }
}

void ScoreTrees::bar(MemberIndex member) noexcept {
  for (std::size_t number = 0; number < kTrees; ++number) put(number, member, kBarred);
}

void ScoreTrees::renew(MemberIndex member, const state::Hot& endpoint, const Score<Float4>& score,
                       std::uint32_t barred, float near, Rng& rng) noexcept {
  const std::uint64_t word = endpoint.load.get();
  const std::uint32_t in_flight = load::in_flight(word);
  const std::uint32_t limit = endpoint.max_conns.get();
  if ((endpoint.flags.get() & barred) != 0 || (limit != 0 && in_flight >= limit)) {
    return bar(member);
  }
  const float jitter =
      1 + std::max(kJitter, near) * 0x1p-32F * static_cast<float>(rng.next() >> 32);
  const AtServer there = at_server(endpoint, word, in_flight);
  const Float4 scores = jitter * score(endpoint, there.word, there.n);
  for (std::size_t number = 0; number < kTrees; ++number) put(number, member, scores[number]);
}

Score<Float4> ScoreTrees::score_for(const Plan& plan, TimePoint now) noexcept {
  return {plan, kCosts * plan.mean_cost.get(), now};
}

}  // namespace leastwise
