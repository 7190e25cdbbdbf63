// WeightMemory: what was told HAProxy of a backend's weights, and which weights it had before; over
// a restart of the agent where there is a state file.
//
// Without it an agent that starts anew can not tell a weight set by hand from one that it told
// itself, and goes by HAProxy's configuration. It belongs to one process of HAProxy: another one
// begins with its configuration, and has forgotten what was set by hand, too.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_WEIGHT_MEMORY_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_WEIGHT_MEMORY_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "balance/state_store.h"
#include "steer/steering.h"

namespace leastwise::agent {

class WeightMemory {
 public:
  WeightMemory(StateStore& store, std::string_view backend);

  // What an earlier agent knew of these servers, if it spoke to the same process.
  void recall(const BackendInfo& backend, std::uint32_t pid, Steering& steering) const;
  void keep(const std::vector<Steering::View>& servers, std::uint32_t pid);

 private:
  struct Record {
    std::uint64_t key;   // the server's hash, mixed with `word`: one half written fits nobody
    std::uint64_t word;  // the process and the weights; 0 behind the last
  };
  static std::uint64_t pack(const Steering::View& server, std::uint32_t pid) noexcept;
  std::span<Record> records() const noexcept;

  StateStore& store_;
  std::string name_;
  StateStore::Memory memory_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_WEIGHT_MEMORY_H_
