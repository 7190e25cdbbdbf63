// The fewest changes that lead from the servers that a proxy has to those that there should be.
//
// Pure: what was seen goes in, steps come out. Whoever takes them looks again afterwards, so a step
// that was refused, lost, or overtaken by somebody else is simply planned anew. Nobody comes or
// goes but by an answer of a source: who has no answer yet, or none any more, does not ask here.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_RECONCILE_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_RECONCILE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "discovery/targets.h"

namespace leastwise::discovery {

// A server as the proxy has it.
struct Member {
  std::string id;       // the proxy's word for it
  std::string address;  // as address_of() writes it
  State state = State::kUp;
  bool backup = false;
  // Added at run time, so it may be removed. Who stands in the proxy's own configuration is left
  // as he is.
  bool ours = true;
  std::optional<bool> remote{};  // none: the proxy can not be told
};

enum class Action : std::uint8_t { kAdd, kReady, kDrain, kWeigh, kPlace, kRemove };

struct Step {
  Action action;
  std::string id;  // empty of kAdd
  std::string address;
  Target target;  // as it should be; of kRemove nothing

  bool operator==(const Step&) const = default;
};

// What we told the proxy last. An operator's own drain or weight is no part of it, and stays; where
// a server is, the source knows best.
using Told = std::map<std::string, Target, std::less<>>;

// In the order in which they are to be taken: those who come before those who go, so that there is
// no moment without a server, unless room (for so many more) is short.
std::vector<Step> reconcile(const Targets& wanted, std::span<const Member> present,
                            const Told& told, std::size_t room = SIZE_MAX);

// Takes for told what is there already, as after a start of ours, and forgets who is not.
void adopt(const Targets& wanted, std::span<const Member> present, Told& told);
// Keeps `told` in step with a step that was taken.
void note(const Step& step, Told& told);

}  // namespace leastwise::discovery

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_RECONCILE_H_
