#include "balance/registry.h"

#include <algorithm>

namespace leastwise::agent {

Registry::Registry(const std::vector<BackendConfig>& configs, StateStore& store) : store_(store) {
  for (const BackendConfig& config : configs) {
    backends_.push_back(std::make_unique<Backend>(config, store_));
  }
  publish();
}

Backend* Registry::find(std::string_view name) noexcept {
  for (const auto& backend : backends_) {
    if (backend->name() == name) return backend->active() ? backend.get() : nullptr;
  }
  return nullptr;
}

void Registry::configure(const std::vector<BackendConfig>& configs, OpenPicks& open,
                         TimePoint now) {
  for (const auto& backend : backends_) {
    const bool stays =
        std::ranges::find(configs, backend->name(), &BackendConfig::name) != configs.end();
    if (stays || !backend->active()) continue;
    const std::lock_guard lock(gate_);
    backend->retire(open, now);
  }
  for (const BackendConfig& config : configs) {
    const auto known = std::ranges::find(
        backends_, config.name, [](const auto& b) -> auto& { return b->name(); });
    if (known == backends_.end()) {
      auto made = std::make_unique<Backend>(config, store_);
      const std::lock_guard lock(gate_);
      backends_.push_back(std::move(made));
    } else {
      const std::lock_guard lock(gate_);
      (*known)->set_config(config);
      (*known)->set_mode(config.mode);
      (*known)->set_active(true);
    }
  }
  publish();
}

void Registry::publish() {
  std::vector<Snapshot> next;
  for (const auto& backend : backends_) {
    if (!backend->active()) continue;
    next.push_back(
        {backend->name(), backend->config(), backend->pool(), backend->mode(), backend->script()});
  }
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_.swap(next);
}

std::vector<Registry::Snapshot> Registry::pools() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

}  // namespace leastwise::agent
