#include "pick/turns.h"

namespace leastwise {

void Turns::grow() noexcept {
  for (MemberIndex m = 0; m < size_; ++m) tree_[size_ + m] = m;
  for (std::uint32_t at = size_ - 1; at > 0; --at) {
    tree_[at] = better(tree_[2 * at], tree_[2 * at + 1]);
  }
}

MemberIndex Turns::second() const noexcept {
  MemberIndex best = kNoMember;
  for (std::uint32_t at = size_ + first(); at > 1; at /= 2) {
    const MemberIndex other = tree_[at ^ 1];
    if (best == kNoMember || is_before(other, best)) best = other;
  }
  return best != kNoMember && places_[best].cost < kBarred ? best : kNoMember;
}

void Turns::put(MemberIndex m, const TurnPlace& place) noexcept {
  places_[m] = place;
  if (m >= size_) return;
  for (std::uint32_t at = (size_ + m) / 2; at > 0; at /= 2) {
    const MemberIndex winner = better(tree_[2 * at], tree_[2 * at + 1]);
    if (winner == tree_[at] && winner != m) return;  // above, nothing changes
    tree_[at] = winner;
  }
}

void Turns::set_cost(MemberIndex m, float cost) noexcept {
  if (cost != places_[m].cost) put(m, {places_[m].due, cost});
}

void Turns::serve(MemberIndex m, float demand, float cost) noexcept {
  now_ = std::max(now_, places_[m].due);
  put(m, {now_ + 1 / static_cast<double>(demand), cost});
}

void Turns::renew(MemberIndex m, float demand, float cost) noexcept {
  const double latest = now_ + 1 / static_cast<double>(demand);
  const double due = std::min(places_[m].due, latest);
  if (due != places_[m].due || cost != places_[m].cost) put(m, {due, cost});
}

}  // namespace leastwise
