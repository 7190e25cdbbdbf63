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

// visit(const Upstream&) for each upstream of both modules that has its pool.
template <typename Visit>
void for_each_shown(const volatile ngx_cycle_t& cycle, Visit visit) noexcept {
  const volatile ngx_list_part_t* part = &cycle.shared_memory.part;
  for (; part != nullptr; part = part->next) {
    const auto* zones = static_cast<const ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; zones != nullptr && i < part->nelts; ++i) {
      if (zones[i].data == nullptr || !is_ours(cycle, zones[i].tag)) continue;
      const auto& upstream = *static_cast<const Upstream*>(zones[i].data);
      if (upstream.stamp == kStamp && upstream.pool) visit(upstream);
    }
  }
}

}  // namespace

std::span<const NamedPool> pools_to_show(ngx_pool_t& memory) noexcept {
  std::size_t n = 0;
  for_each_shown(*ngx_cycle, [&n](const Upstream&) noexcept { ++n; });
  auto* pools = static_cast<NamedPool*>(ngx_palloc(&memory, n * sizeof(NamedPool) + 1));
  if (pools == nullptr) return {};
  std::size_t i = 0;
  for_each_shown(*ngx_cycle, [&](const Upstream& upstream) noexcept {
    new (&pools[i++]) NamedPool{view(upstream.shown_name), &upstream.config, upstream.pool};
  });
  return {pools, n};
}

}  // namespace leastwise::nginx
