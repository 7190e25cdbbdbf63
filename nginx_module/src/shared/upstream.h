// Upstream: what the module keeps of each upstream{} block, of http as of stream, for as long
// as nginx keeps that configuration. Nothing here is in a global: between two reloads two of
// these live side by side, each found from its own cycle.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_UPSTREAM_H_
#define LEASTWISE_NGINX_MODULE_SHARED_UPSTREAM_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "leastwise/config.h"
#include "leastwise/pool.h"
#include "lua/script.h"
#include "shared/ngx.h"
#include "shared/peers.h"
#include "shared/state_file.h"
#include "shared/worker.h"

namespace leastwise::nginx {

struct Upstream;

// What http and stream each have types of their own for: nginx's list of servers.
struct Kind {
  std::string_view name;  // begins the names of endpoints and of default zones

  // Fills `out` with as many servers as it takes, first the others, then the backups. Returns
  // how many there are. REQUIRES: ListLock, or a list that no worker sees yet.
  std::size_t (*list)(const Upstream& upstream, std::span<Server> out) noexcept;

  // Of lists that change: changes whenever the list does (REQUIRES as above), and what guards
  // it in the memory that all workers share.
  ngx_uint_t (*generation)(const Upstream& upstream) noexcept;
  void (*lock)(const Upstream& upstream) noexcept;
  void (*unlock)(const Upstream& upstream) noexcept;

  // nginx's own records for so many servers that are added at run time (slots.h), nullptr when
  // memory ran out; and the i-th of them as that of a server.
  void* (*make_spares)(ngx_pool_t& memory, std::size_t n) noexcept;
  void (*use_spare)(void* spares, std::size_t i, Server& server) noexcept;
};

// Of the build that made an Upstream, for the other module (neighbour.h): FNV-1a of the version.
constexpr std::uint64_t build_stamp(std::string_view version, std::uint64_t size) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325 ^ size;
  for (const char c : version) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return hash;
}

struct Upstream {
  // First, so that a module of another build finds it where it looks.
  std::uint64_t stamp = build_stamp(LEASTWISE_VERSION, sizeof(Upstream));
  const Kind* kind = nullptr;
  ngx_str_t name{};
  ngx_str_t shown_name{};  // in status, metrics and log: "app" of http, "stream/app" of stream
  Config config;
  bool enabled = false;    // the block has `leastwise`
  std::uint32_t seen = 0;  // directives that were set, by position
  ngx_str_t first_name{};  // of the first of them
  Place first{};
  Place scripted{};       // of `leastwise_lua`
  Place keyed{};          // of the last `leastwise_key` or `leastwise_affinity`
  ngx_str_t zone_name{};  // of leastwise_zone
  std::size_t zone_size = 0;
  Place zone_place{};

  StateFile state;                // leastwise_state
  lua::Script* script = nullptr;  // of `leastwise_lua`; made by the master, a copy in each worker
  bool watches = false;           // another method chooses: leastwise_observe on
  std::uint32_t slots = 0;        // servers that may be added at run time
  void* spares = nullptr;         // nginx's records for them
  bool changes = false;           // its list of servers does, at run time (`resolve`)
  ngx_shm_zone_t* zone = nullptr;
  std::uint32_t configuration = 0;  // number of its configuration in the pool
  Pool pool;                        // from when shared memory exists
  Worker worker;                    // this process's part; the fork gives each its own copy
};

// Holds nginx's lock on a list that changes; nothing at all for the others, so that a process
// which dies with that lock hangs nobody.
class ListLock {
 public:
  explicit ListLock(const Upstream& upstream) noexcept : upstream_(upstream) {
    if (upstream_.changes) upstream_.kind->lock(upstream_);
  }
  ~ListLock() {
    if (upstream_.changes) upstream_.kind->unlock(upstream_);
  }
  ListLock(const ListLock&) = delete;
  ListLock& operator=(const ListLock&) = delete;

 private:
  const Upstream& upstream_;
};

// REQUIRES: ListLock.
inline ngx_uint_t generation_of(const Upstream& upstream) noexcept {
  return upstream.changes ? upstream.kind->generation(upstream) : 0;
}

// Of nginx's list and of what was added to it at run time. REQUIRES: ListLock.
inline ngx_uint_t version_of(const Upstream& upstream) noexcept {
  return generation_of(upstream) + upstream.pool.membership();
}

// False when the worker has to prepare() first. REQUIRES: ListLock.
inline bool is_current(const Upstream& upstream) noexcept {
  return bool(upstream.worker.picker) && upstream.worker.generation == version_of(upstream);
}

// The module that this is, http's or stream's: marks our zones among those of a cycle. Each zone
// belongs to one upstream.
extern ngx_module_t& own_module;

// Calls visit(Upstream&) for each upstream that we balance and that has its pool.
template <typename Visit>
void for_each_upstream(const volatile ngx_cycle_t& cycle, Visit visit) noexcept {
  const volatile ngx_list_part_t* part = &cycle.shared_memory.part;
  for (; part != nullptr; part = part->next) {
    const auto* zones = static_cast<const ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; zones != nullptr && i < part->nelts; ++i) {
      if (zones[i].tag != &own_module || zones[i].data == nullptr) continue;
      auto& upstream = *static_cast<Upstream*>(zones[i].data);
      if (upstream.pool) visit(upstream);
    }
  }
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_UPSTREAM_H_
