#include "shared/neighbour.h"

#include <new>

#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

constexpr std::string_view kOurs[] = {"ngx_http_leastwise_module", "ngx_stream_leastwise_module"};

constexpr std::uint64_t kStamp = build_stamp(LEASTWISE_VERSION, sizeof(Upstream));

bool is_ours(const ngx_module_t& module) noexcept {
  if (&module == &own_module) return true;
  for (const std::string_view name : kOurs) {
    if (module.name != nullptr && name == module.name) return true;
  }
  return false;
}

// Whether zones with this tag are those of one of our modules.
bool is_ours(const volatile ngx_cycle_t& cycle, const void* tag) noexcept {
  if (tag == &own_module) return true;
  for (ngx_uint_t i = 0; i < cycle.modules_n; ++i) {
    if (cycle.modules[i] == tag) return is_ours(*cycle.modules[i]);
  }
  return false;
}

// visit(Upstream&) for each upstream of both modules.
template <typename Visit>
void for_each_of_both(const volatile ngx_cycle_t& cycle, Visit visit) noexcept {
  const volatile ngx_list_part_t* part = &cycle.shared_memory.part;
  for (; part != nullptr; part = part->next) {
    const auto* zones = static_cast<const ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; zones != nullptr && i < part->nelts; ++i) {
      if (zones[i].data == nullptr || !is_ours(cycle, zones[i].tag)) continue;
      auto& upstream = *static_cast<Upstream*>(zones[i].data);
      if (upstream.stamp == kStamp) visit(upstream);
    }
  }
}

// For each that has its pool.
template <typename Visit>
void for_each_shown(const volatile ngx_cycle_t& cycle, Visit visit) noexcept {
  for_each_of_both(cycle, [&](Upstream& upstream) noexcept {
    if (upstream.pool) visit(upstream);
  });
}

// Name: what a page calls an upstream.
template <typename IsShown, typename Name>
std::span<const NamedPool> collect(ngx_pool_t& memory, IsShown is_shown, Name name) noexcept {
  std::size_t n = 0;
  for_each_shown(*ngx_cycle, [&](const Upstream& u) noexcept {
    if (is_shown(u)) ++n;
  });
  auto* pools = static_cast<NamedPool*>(ngx_palloc(&memory, n * sizeof(NamedPool) + 1));
  if (pools == nullptr) return {};
  std::size_t i = 0;
  for_each_shown(*ngx_cycle, [&](const Upstream& upstream) noexcept {
    if (!is_shown(upstream)) return;
    new (&pools[i++]) NamedPool{name(upstream), &upstream.config, upstream.pool};
  });
  return {pools, n};
}

}  // namespace

std::span<const NamedPool> pools_to_show(ngx_pool_t& memory) noexcept {
  return collect(
      memory, [](const Upstream&) noexcept { return true; },
      [](const Upstream& upstream) noexcept { return view(upstream.shown_name); });
}

std::span<const NamedPool> pools_of(ngx_pool_t& memory, std::string_view kind,
                                    std::string_view name) noexcept {
  return collect(
      memory,
      [&](const Upstream& upstream) noexcept {
        return upstream.kind->name == kind && (name.empty() || view(upstream.name) == name);
      },
      [](const Upstream& upstream) noexcept { return view(upstream.name); });
}

const Upstream* find_by_state(const ngx_cycle_t& cycle, std::string_view file) noexcept {
  const Upstream* found = nullptr;
  for_each_of_both(cycle, [&](const Upstream& upstream) noexcept {
    if (view(upstream.state.name) == file) found = &upstream;
  });
  return found;
}

Upstream* find_upstream(std::string_view kind, std::string_view name) noexcept {
  Upstream* found = nullptr;
  for_each_shown(*ngx_cycle, [&](Upstream& upstream) noexcept {
    if (upstream.kind->name == kind && view(upstream.name) == name) found = &upstream;
  });
  return found;
}

}  // namespace leastwise::nginx
