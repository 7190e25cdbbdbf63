#include "leastwise/picker.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "pick/candidates.h"
#include "pick/key_ring.h"
#include "pick/score.h"
#include "pick/transit.h"
#include "pick/turns.h"

namespace leastwise {
namespace {

constexpr std::string_view kReasonNames[] = {
    "none",      "policy",   "only",       "unlearned",    "backup",       "panic",
    "front_end", "affinity", "switchback", "script_fault", "script_passed"};

// By the whole hash of the name where points are alike, so that the order of the members
// never matters.
void place_on_ring(std::span<const state::Record> records, std::span<const Member> members,
                   std::span<RingPoint> ring) noexcept {
  const auto name_hash = [&](MemberIndex m) noexcept {
    return records[index(members[m].id)].name_hash.get();
  };
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const auto member = static_cast<MemberIndex>(i / RingPoint::kPerMember);
    const auto number = static_cast<std::uint32_t>(i % RingPoint::kPerMember);
    ring[i] = {ring_point(name_hash(member), number), member};
  }
  std::ranges::sort(ring, [&](const RingPoint& a, const RingPoint& b) noexcept {
    return a.at != b.at ? a.at < b.at : name_hash(a.member) < name_hash(b.member);
  });
}

}  // namespace

std::string_view name(Reason reason) noexcept {
  return kReasonNames[static_cast<std::size_t>(reason)];
}

std::size_t Picker::bytes_for(std::size_t members) noexcept {
  const std::size_t nodes = members > Candidates::kMost ? ScoreTrees::nodes_for(members) : 0;
  return members * (sizeof(std::int64_t) + sizeof(Member) +
                    RingPoint::kPerMember * sizeof(RingPoint) + sizeof(std::uint32_t)) +
         nodes * sizeof(ScoreNode) +
         (members > Candidates::kMost ? members * (sizeof(TurnPlace) + 2 * sizeof(MemberIndex))
                                      : 0);
}

Status Picker::create(const Pool& pool, ProcessSlot slot, std::span<const Member> members,
                      std::span<std::byte> memory, std::uint64_t seed, Picker& out) noexcept {
  if (memory.size() < bytes_for(members.size())) {
    return {Status::Code::kNoMemory, "memory too small for the picker"};
  }
  for (const Member& m : members) {
    if (index(m.id) >= pool.capacity()) return {Status::Code::kOutOfRange, "no such endpoint"};
  }
  out.pool_ = pool;
  out.slot_ = slot;
  out.count_ = static_cast<std::uint32_t>(members.size());
  out.rng_ = Rng(seed);
  out.cursor_ = 0;
  out.primaries_ = 0;
  if (members.empty()) return {};  // memory may be none, too
  auto* turn = new (memory.data()) std::int64_t[members.size()]{};
  auto* copy = new (memory.data() + members.size() * sizeof(std::int64_t)) Member[members.size()];
  std::uint32_t primaries = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    copy[i] = members[i];
    if (!members[i].backup) primaries = static_cast<std::uint32_t>(i + 1);
  }
  for (std::size_t i = 0; i < primaries; ++i) {
    if (members[i].backup) return {Status::Code::kBadValue, "backups come after the others"};
  }
  const std::size_t points = members.size() * RingPoint::kPerMember;
  auto* ring = new (copy + members.size()) RingPoint[points];
  place_on_ring(pool.shared().records(), members, {ring, points});
  out.trees_ = nullptr;
  out.swept_ = 0;
  if (primaries > Candidates::kMost) {
    out.trees_ = new (ring + points) ScoreNode[ScoreTrees::nodes_for(primaries)];
    ScoreTrees(out.trees_, primaries).clear();
  }
  out.places_ = nullptr;
  if (members.size() > Candidates::kMost) {
    const std::size_t nodes = primaries > Candidates::kMost ? ScoreTrees::nodes_for(primaries) : 0;
    auto* after = reinterpret_cast<std::byte*>(ring + points) + nodes * sizeof(ScoreNode);
    out.places_ = new (after) TurnPlace[members.size()];
    out.turn_tree_ = new (out.places_ + members.size()) MemberIndex[2 * members.size()];
    out.turn_now_ = 0;
    Turns turns(out.places_, out.turn_tree_, primaries, out.turn_now_);
    for (std::size_t i = 0; i < members.size(); ++i) {
      turns.begin(static_cast<MemberIndex>(i),
                  static_cast<float>(pool.settings(members[i].id).weight));
    }
    if (primaries > Candidates::kMost) turns.grow();
  }
  // Last, where nothing needs more alignment than it has.
  std::byte* end = memory.data() + bytes_for(members.size());
  out.counts_ = new (end - members.size() * sizeof(std::uint32_t)) std::uint32_t[members.size()];
  out.turn_ = turn;
  out.members_ = copy;
  out.ring_ = ring;
  out.primaries_ = primaries;
  return {};
}

}  // namespace leastwise
