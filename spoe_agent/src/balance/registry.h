// Registry: the backends the agent picks for, and the gate between the threads; see backend.h.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_REGISTRY_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_REGISTRY_H_

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "balance/backend.h"
#include "config/file.h"
#include "leastwise/status_page.h"

namespace leastwise::agent {

class Registry {
 public:
  // Throws std::runtime_error when there is no memory.
  Registry(const std::vector<BackendConfig>& configs, StateStore& store);

  // The pick thread tries it, the learning thread takes it.
  std::mutex& gate() noexcept { return gate_; }

  // nullptr if there is none of that name. By the pick thread with the gate held, or by the
  // learning thread. O(backends): they are few.
  Backend* find(std::string_view name) noexcept;

  // ---- the learning thread

  // Backends that are new are added, those that are gone retired, the others' settings changed.
  void configure(const std::vector<BackendConfig>& configs, OpenPicks& open, TimePoint now);

  // All that ever were: a ticket may point to one that left the configuration.
  const std::vector<std::unique_ptr<Backend>>& backends() const noexcept { return backends_; }

  // Makes pools() see the backends as they are now.
  void publish();

  // ---- any thread

  struct Snapshot {
    std::string name;
    Config config;
    Pool pool;  // its memory is never given back
    Mode mode = Mode::kPick;
    std::shared_ptr<const lua::Script> script{};  // `config` may name its policy
  };
  std::vector<Snapshot> pools() const;

 private:
  StateStore& store_;
  std::mutex gate_;
  std::vector<std::unique_ptr<Backend>> backends_;
  mutable std::mutex snapshot_mutex_;  // never taken by the pick thread
  std::vector<Snapshot> snapshot_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_REGISTRY_H_
