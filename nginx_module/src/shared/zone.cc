#include "shared/zone.h"

#include <algorithm>
#include <bit>
#include <span>

#include "leastwise/residency.h"
#include "shared/slots.h"
#include "shared/upstream.h"

namespace leastwise::nginx {

namespace {

// Of the default zone.
constexpr std::size_t kLeastCapacity = 16;
constexpr std::size_t kLeastCapacityResolving = 256;  // servers that only DNS knows

// What nginx's slab allocator keeps for itself: its header, and less than 1/64 of the
// pages that it hands out.
std::size_t overhead(std::size_t size) noexcept { return 4 * ngx_pagesize + size / 64; }

std::size_t zone_size_for(std::size_t capacity, std::size_t residency) noexcept {
  const std::size_t block = ngx_align(Pool::bytes_for(capacity, residency), ngx_pagesize);
  return ngx_align(block + overhead(block) + block / 1024, ngx_pagesize);
}

std::size_t capacity_of(std::size_t zone_size, std::size_t residency) noexcept {
  const std::size_t kept = overhead(zone_size);
  return zone_size > kept ? Pool::capacity_for(zone_size - kept, residency) : 0;
}

// Room for all servers twice over, so that one reload may replace every one of them while
// the old ones still finish what they have.
std::size_t needed_capacity(const Upstream& upstream) noexcept {
  return 2 * (upstream.kind->list(upstream, {}) + upstream.slots);
}

std::size_t default_capacity(const Upstream& upstream) noexcept {
  const std::size_t least = upstream.changes ? kLeastCapacityResolving : kLeastCapacity;
  return std::min(kMaxEndpoints, std::bit_ceil(std::max(least, needed_capacity(upstream))));
}

ngx_slab_pool_t& slab_of(const ngx_shm_zone_t& zone) noexcept {
  return *reinterpret_cast<ngx_slab_pool_t*>(zone.shm.addr);
}

// From the pool on to the end of the zone: how much of it the pool has, it says itself.
std::span<std::byte> block_of(const ngx_shm_zone_t& zone) noexcept {
  auto* block = static_cast<std::byte*>(slab_of(zone).data);
  return {block, reinterpret_cast<std::byte*>(zone.shm.addr) + zone.shm.size};
}

// The pool that the running configuration has for the upstream of this name.
Pool running_pool(const Upstream& upstream) noexcept {
  Pool found;
  if (ngx_cycle == nullptr) return found;
  // While zones are made ngx_cycle still is the old cycle.
  for_each_upstream(*ngx_cycle, [&](const Upstream& running) noexcept {
    if (running.kind->name == upstream.kind->name && view(running.name) == view(upstream.name)) {
      found = running.pool;
    }
  });
  return found;
}

// A reload loads a module whose file was replaced anew, beside the one that runs: it is nobody's
// who could read the other's memory.
void tell_if_replaced(const ngx_shm_zone_t& zone, const Upstream& upstream) noexcept {
  if (ngx_cycle == nullptr) return;
  const volatile ngx_list_part_t* part = &ngx_cycle->shared_memory.part;
  for (; part != nullptr; part = part->next) {
    const auto* zones = static_cast<const ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; zones != nullptr && i < part->nelts; ++i) {
      if (view(zones[i].shm.name) != view(zone.shm.name) || zones[i].tag == zone.tag) continue;
      ngx_log_error(NGX_LOG_NOTICE, zone.shm.log, 0,
                    "zone \"%V\" of upstream \"%V\" was of another build of the module: what was "
                    "learned begins anew, and changes are those of \"leastwise_state\", if any",
                    &zone.shm.name, &upstream.shown_name);
      return;
    }
  }
}

// A zone of the same name and size is kept, with what it was made for. Old workers use it.
void tell_of_residency(const ngx_shm_zone_t& zone, const Upstream& upstream) noexcept {
  const std::size_t wanted = residency_of(upstream.config), made = upstream.pool.residency();
  if (wanted == 0 || made == wanted) return;
  if (made == 0) {
    ngx_log_error(NGX_LOG_WARN, zone.shm.log, 0,
                  "zone \"%V\" was made for another policy, and has no room for what \"inference\" "
                  "remembers: it goes by counts alone until nginx is restarted",
                  &zone.shm.name);
    return;
  }
  ngx_log_error(NGX_LOG_WARN, zone.shm.log, 0,
                "zone \"%V\" was made with \"leastwise_prompt_memory %uzk\", which stays so until "
                "nginx is restarted or the zone has another size, too",
                &zone.shm.name, made >> 10);
}

// `old`: the pool that the running configuration has in it. What else it holds heals by itself.
ngx_int_t keep(const ngx_shm_zone_t& zone, const Pool& old, Upstream& upstream) noexcept {
  if (old && old.restore_head()) {
    ngx_log_error(
        NGX_LOG_WARN, zone.shm.log, 0,
        "zone \"%V\" of upstream \"%V\" was damaged and is mended: something wrote to its "
        "memory; what was learned may begin anew",
        &zone.shm.name, &upstream.shown_name);
  }
  const Status s = Pool::attach(block_of(zone), upstream.pool);
  if (s.ok()) {
    tell_of_residency(zone, upstream);
    return NGX_OK;
  }
  ngx_log_error(NGX_LOG_EMERG, zone.shm.log, 0,
                "zone \"%V\" can not be taken over: %s; restart nginx instead of reloading it",
                &zone.shm.name, s.message());
  return NGX_ERROR;
}

ngx_int_t create(const ngx_shm_zone_t& zone, Upstream& upstream) noexcept {
  ngx_slab_pool_t& slab = slab_of(zone);
  const std::size_t residency = residency_of(upstream.config);
  const std::size_t capacity = capacity_of(zone.shm.size, residency);
  // Of more than half a page: comes page aligned.
  slab.data = ngx_slab_alloc(&slab, Pool::bytes_for(capacity, residency));
  if (slab.data == nullptr) {
    ngx_log_error(NGX_LOG_EMERG, zone.shm.log, 0,
                  "zone \"%V\" of %uz bytes has no room for its pool", &zone.shm.name,
                  zone.shm.size);
    return NGX_ERROR;
  }
  if (const Status s = Pool::create(block_of(zone), capacity, upstream.pool, residency); !s.ok()) {
    ngx_log_error(NGX_LOG_EMERG, zone.shm.log, 0, "zone \"%V\": %s", &zone.shm.name, s.message());
    return NGX_ERROR;
  }
  const Pool old = running_pool(upstream);
  seat_servers(upstream, old ? old : upstream.pool, *zone.shm.log);
  if (!old) {
    tell_if_replaced(zone, upstream);
    load_state(upstream, *zone.shm.log);
    return NGX_OK;
  }
  // What does not fit is of servers that are gone; of names, those that a resolver knows.
  if (const Status s = upstream.pool.migrate(old); !s.ok() && upstream.changes) {
    ngx_log_error(NGX_LOG_WARN, zone.shm.log, 0,
                  "zone \"%V\": not all that was learned could be kept: %s", &zone.shm.name,
                  s.message());
  }
  leave_out_surplus(upstream, old, *zone.shm.log);
  return NGX_OK;
}

// `old` is what the same zone belonged to in the running configuration.
ngx_int_t init_zone(ngx_shm_zone_t* zone, void* old) noexcept {
  auto& upstream = *static_cast<Upstream*>(zone->data);
  if (!check_folder(upstream.state, *zone->shm.log)) return NGX_ERROR;
  if (old == nullptr) return create(*zone, upstream);
  return keep(*zone, static_cast<const Upstream*>(old)->pool, upstream);
}

ngx_str_t default_name(ngx_conf_t* cf, const Upstream& upstream) noexcept {
  const ngx_str_t prefix = to_ngx("leastwise_");
  const ngx_str_t kind = to_ngx(upstream.kind->name);
  const std::size_t size = prefix.len + kind.len + 1 + upstream.name.len;
  auto* text = static_cast<u_char*>(ngx_pnalloc(cf->pool, size));
  if (text == nullptr) return {0, nullptr};
  ngx_sprintf(text, "%V%V_%V", &prefix, &kind, &upstream.name);
  return {size, text};
}

ngx_str_t shown_name(ngx_conf_t* cf, const Upstream& upstream) noexcept {
  if (upstream.kind->name == "http") return upstream.name;
  const ngx_str_t kind = to_ngx(upstream.kind->name);
  const std::size_t size = kind.len + 1 + upstream.name.len;
  auto* text = static_cast<u_char*>(ngx_pnalloc(cf->pool, size));
  if (text == nullptr) return {0, nullptr};
  ngx_sprintf(text, "%V/%V", &kind, &upstream.name);
  return {size, text};
}

ngx_int_t refuse_size(ngx_conf_t* cf, const Upstream& upstream, std::size_t least) noexcept {
  ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "\"leastwise_zone\": zone \"%V\" is too small: %uz bytes given, %uzk needed for "
                "the servers of upstream \"%V\" in %V:%ui",
                &upstream.zone_name, upstream.zone_size, (least + 1023) / 1024, &upstream.name,
                &upstream.zone_place.file, upstream.zone_place.line);
  return NGX_ERROR;
}

}  // namespace

ngx_int_t add_zone(ngx_conf_t* cf, Upstream& upstream) noexcept {
  const std::size_t residency = residency_of(upstream.config);
  const std::size_t least =
      zone_size_for(std::max<std::size_t>(needed_capacity(upstream), 1), residency);
  ngx_str_t name = upstream.zone_name;
  std::size_t size = upstream.zone_size;
  if (name.len == 0) {
    name = default_name(cf, upstream);
    size = zone_size_for(default_capacity(upstream), residency);
    if (name.data == nullptr) return NGX_ERROR;
  } else if (size < least) {
    return refuse_size(cf, upstream, least);
  }

  upstream.shown_name = shown_name(cf, upstream);
  if (upstream.shown_name.data == nullptr || !check_state(cf, upstream)) return NGX_ERROR;
  // No other upstream has one of this name: set_zone() has seen to it.
  ngx_shm_zone_t* zone = ngx_shared_memory_add(cf, &name, size, &own_module);
  if (zone == nullptr) return NGX_ERROR;
  zone->init = init_zone;
  zone->data = &upstream;
  upstream.zone = zone;
  // Nobody is added to what another method goes by.
  if (upstream.slots == 0 || upstream.watches) return NGX_OK;
  upstream.spares = upstream.kind->make_spares(*cf->pool, upstream.slots);
  return upstream.spares != nullptr ? NGX_OK : NGX_ERROR;
}

ZoneLock::ZoneLock(const Upstream& upstream) noexcept : mutex_(slab_of(*upstream.zone).mutex) {
  ngx_shmtx_lock(&mutex_);
}

ZoneLock::~ZoneLock() { ngx_shmtx_unlock(&mutex_); }

}  // namespace leastwise::nginx
