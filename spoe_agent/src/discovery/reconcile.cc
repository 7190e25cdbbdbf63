#include "discovery/reconcile.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace leastwise::discovery {
namespace {

struct Plan {
  std::vector<Step> joins, changes, leaves;
};

// Of one that stays. Undone is only what we did ourselves.
void change(const Member& member, const Target& wanted, const Told& told, Plan& plan) {
  const auto found = told.find(member.address);
  const Target* const before = found == told.end() ? nullptr : &found->second;
  const auto step = [&](Action action) { return Step{action, member.id, member.address, wanted}; };
  if (wanted.state == State::kDraining && member.state == State::kUp) {
    plan.leaves.push_back(step(Action::kDrain));
  }
  const bool we_drained = before != nullptr && before->state == State::kDraining;
  if (wanted.state == State::kUp && member.state == State::kDraining && we_drained) {
    plan.joins.push_back(step(Action::kReady));
  }
  if (before != nullptr && before->weight != wanted.weight) {
    plan.changes.push_back(step(Action::kWeigh));
  }
  if (wanted.remote && member.remote && *wanted.remote != *member.remote) {
    plan.changes.push_back(step(Action::kPlace));
  }
}

// Who joins first are those that take requests.
void join(const Targets& wanted, const std::set<std::string_view>& present, Plan& plan) {
  const auto add = [&](State state) {
    for (const auto& [address, target] : wanted) {
      if (target.state != state || present.contains(address)) continue;
      plan.joins.push_back({Action::kAdd, "", address, target});
    }
  };
  add(State::kUp);
  add(State::kDraining);
}

// Where room is short, each of those who are left over comes into the place of one who goes: so few
// are missing at a time.
void exchange(std::vector<Step>& leaves, std::vector<Step>& late, std::vector<Step>& out) {
  std::size_t next = 0;
  for (Step& step : leaves) {
    const bool makes_room = step.action == Action::kRemove;
    out.push_back(std::move(step));
    if (makes_room && next < late.size()) out.push_back(std::move(late[next++]));
  }
  for (; next < late.size(); ++next) out.push_back(std::move(late[next]));
}

std::vector<Step> in_order(Plan plan, std::size_t room) {
  std::vector<Step> steps, late;
  for (Step& step : plan.joins) {
    const bool fits = step.action != Action::kAdd || room > 0;
    if (step.action == Action::kAdd && room > 0) --room;
    (fits ? steps : late).push_back(std::move(step));
  }
  std::ranges::move(plan.changes, std::back_inserter(steps));
  exchange(plan.leaves, late, steps);
  return steps;
}

}  // namespace

std::vector<Step> reconcile(const Targets& wanted, std::span<const Member> present,
                            const Told& told, std::size_t room) {
  Plan plan;
  std::set<std::string_view> here;
  for (const Member& member : present) {
    const auto found = wanted.find(member.address);
    // Whether one is a backup does not change: it leaves, and comes again in the next round.
    const bool stays = found != wanted.end() && found->second.backup == member.backup &&
                       !here.contains(member.address);
    here.insert(member.address);
    if (!member.ours) continue;
    if (stays) {
      change(member, found->second, told, plan);
    } else {
      plan.leaves.push_back({Action::kRemove, member.id, member.address, {}});
    }
  }
  join(wanted, here, plan);
  return in_order(std::move(plan), room);
}

void adopt(const Targets& wanted, std::span<const Member> present, Told& told) {
  std::set<std::string_view> here;
  for (const Member& member : present) here.insert(member.address);
  std::erase_if(told, [&](const auto& entry) { return !here.contains(entry.first); });
  for (const Member& member : present) {
    const auto found = wanted.find(member.address);
    if (!member.ours || found == wanted.end()) continue;
    Target as = found->second;
    // A drain that the source does not speak of is an operator's.
    if (member.state == State::kUp || as.state == State::kUp) as.state = State::kUp;
    told.try_emplace(member.address, std::move(as));
  }
}

void note(const Step& step, Told& told) {
  if (step.action == Action::kRemove) {
    told.erase(step.address);
    return;
  }
  // A step says one thing; what else differs is still to be told.
  Target& entry = told.try_emplace(step.address, step.target).first->second;
  if (step.action == Action::kAdd) entry = step.target;
  if (step.action == Action::kReady || step.action == Action::kDrain) {
    entry.state = step.target.state;
  }
  if (step.action == Action::kWeigh) entry.weight = step.target.weight;
}

}  // namespace leastwise::discovery
