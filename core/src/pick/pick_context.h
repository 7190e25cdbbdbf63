// Pick context: all that a policy may look at to choose an endpoint.
#ifndef LEASTWISE_SRC_PICK_PICK_CONTEXT_H_
#define LEASTWISE_SRC_PICK_PICK_CONTEXT_H_

#include <array>
#include <cstdint>
#include <span>

#include "leastwise/picker.h"
#include "memory/state.h"
#include "words/packed.h"
#include "words/plan.h"
#include "words/routes.h"

namespace leastwise {

// What a policy answers.
struct Choice {
  MemberIndex member = kNoMember;
  MemberIndex second = kNoMember;
  float score = 0;
  float second_score = 0;
  Reason reason = Reason::kPolicy;
};

// The members that may be picked. Not zeroed: it is built for each request.
class Candidates {
 public:
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kProbes = 21;  // the paper's number: see key_ring.h

  Candidates() noexcept {}  // leaves the arrays alone
  void clear() noexcept {
    count_ = 0;
    are_first_ = false;
  }
  void add(MemberIndex member) noexcept { members_[count_++] = member; }
  // Members 0 to count - 1, without writing them down. REQUIRES: at most kMost.
  void set_first(std::uint32_t count) noexcept {
    count_ = count;
    are_first_ = true;
  }

  std::uint32_t count() const noexcept { return count_; }
  std::span<const MemberIndex> all() const noexcept {
    return {are_first_ ? kFirst.data() : members_.data(), count_};
  }
  MemberIndex operator[](std::uint32_t i) const noexcept { return all()[i]; }

  // In a large pool, when the request's key led to them: how far each is from its probe.
  // One member may then be met by several.
  bool by_ring = false;
  std::array<std::uint32_t, kProbes> distances;

 private:
  static constexpr std::array<MemberIndex, kMost> kFirst = [] {
    std::array<MemberIndex, kMost> first{};
    for (std::uint32_t i = 0; i < kMost; ++i) first[i] = i;
    return first;
  }();

  std::uint32_t count_ = 0;
  bool are_first_ = false;
  std::array<MemberIndex, kMost> members_;
};

// Built on the stack for each pick. The candidates are the members that may be picked:
// so no policy repeats the test. Up to 64 members all that may be are in it, in the
// order of the members; of more, what candidates.h says.
struct PickContext {
  static constexpr std::size_t kMost = Candidates::kMost;
  static constexpr std::size_t kDraws = 16;

  const Config& config;
  const Request& request;
  const Plan& plan;
  std::span<state::Hot> endpoints;
  std::span<state::Record> records;
  std::span<const Member> members;
  std::int64_t* turn;  // smooth weighted round robin, by member
  Rng& rng;
  TimePoint now;
  std::uint16_t route;      // slot of this request's route
  Costs costs;              // of this request's route, x̄ when unknown
  Stay stay;                // what such requests do at a server,
  float work;               // and seconds for which others wait for one
  const Pool& pool;
  Candidates candidates{};  // never empty when a policy is called
  // With Config::affinity: the candidate that the request's key belongs to.
  MemberIndex home = kNoMember;

  const state::Hot& endpoint(MemberIndex member) const noexcept {
    return endpoints[index(members[member].id)];
  }
  const state::Record& record(MemberIndex member) const noexcept {
    return records[index(members[member].id)];
  }
  // The front end's count, or else that of the endpoint's load word.
  std::uint32_t in_flight(MemberIndex member, std::uint64_t load_word) const noexcept {
    return member < request.in_flight.size() ? request.in_flight[member]
                                             : load::in_flight(load_word);
  }
  std::uint32_t in_flight(MemberIndex member) const noexcept {
    return in_flight(member, endpoint(member).load.get());
  }
  // Of a pool of model servers; else there are none.
  state::Prompts prompts() const noexcept { return pool.shared().prompts(); }
  std::span<const MemberIndex> all() const noexcept { return candidates.all(); }
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_PICK_CONTEXT_H_
