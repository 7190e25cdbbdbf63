#include "shared/zone.h"

#include <algorithm>
#include <bit>
#include <span>

#include "shared/peers.h"

namespace leastwise::nginx {
namespace {

// Of the default zone.
constexpr std::size_t kLeastCapacity = 16;
constexpr std::size_t kLeastCapacityResolving = 256;  // servers that only DNS knows

// What nginx's slab allocator keeps for itself: its header, and less than 1/64 of the
// pages that it hands out.
std::size_t overhead(std::size_t size) noexcept { return 4 * ngx_pagesize + size / 64; }

std::size_t zone_size_for(std::size_t capacity) noexcept {
  const std::size_t block = ngx_align(Pool::bytes_for(capacity), ngx_pagesize);
  return ngx_align(block + overhead(block) + block / 1024, ngx_pagesize);
}

std::size_t capacity_of(std::size_t zone_size) noexcept {
  const std::size_t kept = overhead(zone_size);
  return zone_size > kept ? Pool::capacity_for(zone_size - kept) : 0;
}

bool resolves(const ngx_http_upstream_srv_conf_t& upstream) noexcept {
#if LEASTWISE_NGX_RESOLVE
  const auto* peers = static_cast<const Peers*>(upstream.peer.data);
  return peers->resolve != nullptr || (peers->next != nullptr && peers->next->resolve != nullptr);
#else
  static_cast<void>(upstream);
  return false;
#endif
}

// Room for all servers twice over, so that one reload may replace every one of them while
// the old ones still finish what they have.
std::size_t needed_capacity(const UpstreamConf& conf) noexcept {
  return 2 * count_peers(*static_cast<Peers*>(conf.upstream->peer.data));
}

std::size_t default_capacity(const UpstreamConf& conf) noexcept {
  const std::size_t least = resolves(*conf.upstream) ? kLeastCapacityResolving : kLeastCapacity;
  return std::min(kMaxEndpoints, std::bit_ceil(std::max(least, needed_capacity(conf))));
}

ngx_slab_pool_t& slab_of(const ngx_shm_zone_t& zone) noexcept {
  return *reinterpret_cast<ngx_slab_pool_t*>(zone.shm.addr);
}

std::span<std::byte> block_of(const ngx_shm_zone_t& zone) noexcept {
  return {static_cast<std::byte*>(slab_of(zone).data), Pool::bytes_for(capacity_of(zone.shm.size))};
}

// The pool that the running configuration has for the upstream of this name.
Pool running_pool(std::string_view upstream) noexcept {
  // While zones are made ngx_cycle still is the old cycle.
  const volatile ngx_list_part_t* part =
      ngx_cycle == nullptr ? nullptr : &ngx_cycle->shared_memory.part;
  for (; part != nullptr; part = part->next) {
    const auto* zones = static_cast<const ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; zones != nullptr && i < part->nelts; ++i) {
      if (zones[i].tag != &ngx_http_leastwise_module || zones[i].data == nullptr) continue;
      const auto& conf = *static_cast<const UpstreamConf*>(zones[i].data);
      if (view(conf.upstream->host) == upstream) return conf.pool;
    }
  }
  return {};
}

ngx_int_t keep(const ngx_shm_zone_t& zone, UpstreamConf& conf) noexcept {
  const Status s = Pool::attach(block_of(zone), conf.pool);
  if (s.ok()) return NGX_OK;
  ngx_log_error(NGX_LOG_EMERG, zone.shm.log, 0,
                "zone \"%V\" can not be taken over: %s; restart nginx instead of reloading it",
                &zone.shm.name, s.message());
  return NGX_ERROR;
}

ngx_int_t create(const ngx_shm_zone_t& zone, UpstreamConf& conf) noexcept {
  ngx_slab_pool_t& slab = slab_of(zone);
  const std::size_t capacity = capacity_of(zone.shm.size);
  // Of more than half a page: comes page aligned.
  slab.data = ngx_slab_alloc(&slab, Pool::bytes_for(capacity));
  if (slab.data == nullptr) {
    ngx_log_error(NGX_LOG_EMERG, zone.shm.log, 0,
                  "zone \"%V\" of %uz bytes has no room for its pool", &zone.shm.name,
                  zone.shm.size);
    return NGX_ERROR;
  }
  if (const Status s = Pool::create(block_of(zone), capacity, conf.pool); !s.ok()) {
    ngx_log_error(NGX_LOG_EMERG, zone.shm.log, 0, "zone \"%V\": %s", &zone.shm.name, s.message());
    return NGX_ERROR;
  }
  const Pool old = running_pool(view(conf.upstream->host));
  if (!old) return NGX_OK;
  if (const Status s = conf.pool.migrate(old); !s.ok()) {
    ngx_log_error(NGX_LOG_WARN, zone.shm.log, 0,
                  "zone \"%V\": not all that was learned could be kept: %s", &zone.shm.name,
                  s.message());
  }
  return NGX_OK;
}

// `old` is what the same zone belonged to in the running configuration.
ngx_int_t init_zone(ngx_shm_zone_t* zone, void* old) noexcept {
  auto& conf = *static_cast<UpstreamConf*>(zone->data);
  return old != nullptr ? keep(*zone, conf) : create(*zone, conf);
}

ngx_str_t default_name(ngx_conf_t* cf, const ngx_str_t& upstream) noexcept {
  const ngx_str_t prefix = to_ngx("leastwise_http_");
  auto* text = static_cast<u_char*>(ngx_pnalloc(cf->pool, prefix.len + upstream.len));
  if (text == nullptr) return {0, nullptr};
  const u_char* end = ngx_sprintf(text, "%V%V", &prefix, &upstream);
  return {static_cast<std::size_t>(end - text), text};
}

ngx_int_t refuse_size(ngx_conf_t* cf, const UpstreamConf& conf, std::size_t least) noexcept {
  ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "\"leastwise_zone\": zone \"%V\" is too small: %uz bytes given, %uzk needed for "
                "the servers of upstream \"%V\" in %V:%ui",
                &conf.zone_name, conf.zone_size, (least + 1023) / 1024, &conf.upstream->host,
                &conf.zone_place.file, conf.zone_place.line);
  return NGX_ERROR;
}

}  // namespace

ngx_int_t add_zone(ngx_conf_t* cf, UpstreamConf& conf) noexcept {
  const std::size_t least = zone_size_for(std::max<std::size_t>(needed_capacity(conf), 1));
  ngx_str_t name = conf.zone_name;
  std::size_t size = conf.zone_size;
  if (name.len == 0) {
    name = default_name(cf, conf.upstream->host);
    size = zone_size_for(default_capacity(conf));
    if (name.data == nullptr) return NGX_ERROR;
  } else if (size < least) {
    return refuse_size(cf, conf, least);
  }

  // No other upstream has one of this name: set_zone() has seen to it.
  ngx_shm_zone_t* zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_leastwise_module);
  if (zone == nullptr) return NGX_ERROR;
  zone->init = init_zone;
  zone->data = &conf;
  conf.zone = zone;
  return NGX_OK;
}

}  // namespace leastwise::nginx
