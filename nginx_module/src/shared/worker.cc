#include "shared/worker.h"

#include <algorithm>
#include <new>

#include "shared/addresses.h"
#include "shared/keeper.h"
#include "shared/sessions.h"
#include "shared/slots.h"
#include "shared/timer.h"
#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

template <typename T>
std::span<T> allocate(ngx_pool_t& pool, std::size_t n) noexcept {
  void* memory = ngx_palloc(&pool, n * sizeof(T) + 1);  // never of size 0
  return memory == nullptr ? std::span<T>{} : std::span<T>(new (memory) T[n], n);
}

struct Listing {
  std::span<Member> members;
  std::span<Server> servers;
};

// All servers of the upstream that the pool has room for.
Listing list_servers(const Upstream& upstream, ngx_pool_t& memory) noexcept {
  const std::size_t configured = upstream.kind->list(upstream, {});
  std::size_t wanted = configured + upstream.slots;
  const auto members = allocate<Member>(memory, wanted);
  auto servers = allocate<Server>(memory, wanted);
  if (members.data() == nullptr || servers.data() == nullptr) return {};
  upstream.kind->list(upstream, servers);
  wanted = configured + list_added(upstream, memory, servers.subspan(configured));
  servers = servers.first(wanted);
  if (wanted > configured) {
    std::ranges::stable_partition(servers, [](const Server& server) noexcept {
      return (server.settings.flags & kBackup) == 0;
    });
  }
  const std::size_t n = join_pool(upstream, servers, members);
  if (n < wanted) {
    ngx_log_error(NGX_LOG_ERR, memory.log, 0,
                  "%uz of %uz servers of upstream \"%V\" get no requests: no room for them in zone "
                  "\"%V\"; make it larger with \"leastwise_zone\"",
                  wanted - n, wanted, &upstream.shown_name, &upstream.zone->shm.name);
  }
  return {members.first(n), servers.first(n)};
}

// TLS sessions go along with their servers.
void hand_on_sessions(std::span<Server> from, std::span<Server> to) noexcept {
  for (Server& old : from) {
    if (old.session == nullptr) continue;
    const auto kept = std::ranges::find(to, old.id, &Server::id);
    if (kept != to.end()) {
      kept->session = old.session;
    } else {
      free_session(old.session);
    }
    old.session = nullptr;
  }
}

std::uint64_t seed_of(const Worker& worker) noexcept {
  return (std::uint64_t{self().pid} << 32) ^
         static_cast<std::uint64_t>(now().time_since_epoch().count()) ^
         reinterpret_cast<std::uintptr_t>(&worker);
}

// Pools that have no row for this process.
std::uint32_t rows_lacked = 0;

// Takes the process's row of the pool, if it has none yet and one is free.
void join(Upstream& upstream) noexcept {
  Worker& worker = upstream.worker;
  if (worker.slot != kNoSlot) return;
  heal(upstream);
  worker.slot = upstream.pool.join(self(), is_alive);
  if ((worker.slot == kNoSlot) == worker.is_told) return;
  worker.is_told = !worker.is_told;
  if (!worker.is_told) {
    --rows_lacked;
    return;
  }
  ++rows_lacked;
  ngx_log_error(
      NGX_LOG_ERR, ngx_cycle->log, 0,
      "%uz workers use upstream \"%V\" already: what this one has in flight is not counted, "
      "and \"max_conns\" holds for the others only, until one of them ends; set "
      "\"worker_shutdown_timeout\", so that those of old configurations do",
      kMaxProcesses, &upstream.shown_name);
}

}  // namespace

bool prepare(Upstream& upstream) noexcept {
  ngx_pool_t* memory = ngx_create_pool(ngx_pagesize, ngx_cycle->log);
  if (memory == nullptr) return false;
  const ngx_uint_t version = version_of(upstream);  // before the list: at worst it is read again
  join(upstream);
  const Listing all = list_servers(upstream, *memory);
  // Servers that DNS brought or took away; a worker of an old configuration knows old news. At the
  // start, too: the one that this replaces may have died on the way.
  if (upstream.changes && !is_leaving() && upstream.pool.is_newest(upstream.configuration))
    configure_pool(upstream, all.members, all.servers);

  const auto bytes = allocate<std::byte>(*memory, Picker::bytes_for(all.members.size()));
  Picker picker;
  const auto addresses = allocate<AddressOf>(*memory, upstream.watches ? all.servers.size() : 0);
  if (bytes.data() == nullptr || addresses.data() == nullptr ||
      !Picker::create(upstream.pool, upstream.worker.slot, all.members, bytes,
                      seed_of(upstream.worker), picker)
           .ok()) {
    ngx_destroy_pool(memory);
    return false;
  }
  upstream.worker.picker = picker;
  if (upstream.script != nullptr) upstream.script->lose_pool();
  hand_on_sessions(upstream.worker.servers, all.servers);
  upstream.worker.servers = all.servers;
  if (upstream.watches) sort_addresses(all.servers, addresses);
  upstream.worker.addresses = addresses;
  upstream.worker.generation = version;
  upstream.worker.changes = 0;
  if (upstream.worker.memory != nullptr) ngx_destroy_pool(upstream.worker.memory);
  upstream.worker.memory = memory;
  return true;
}

ngx_uint_t tries_of(Upstream& upstream, ngx_uint_t configured) noexcept {
  Worker& worker = upstream.worker;
  const std::uint32_t changes = upstream.pool.changes();
  if (changes == 0 || !worker.picker) return configured;
  if (worker.changes != changes) {
    worker.changes = changes;
    worker.tries = 0;
    for (const Member& member : worker.picker.members()) {
      if ((upstream.pool.settings(member.id).flags & kDown) == 0) ++worker.tries;
    }
  }
  return worker.tries;
}

bool lacks_rows() noexcept { return rows_lacked != 0; }

void join_late(Upstream& upstream) noexcept {
  if (!upstream.worker.is_told) return;
  join(upstream);
  if (upstream.worker.slot == kNoSlot) return;
  // The picker counts where it was told to when it was made.
  const ListLock lock(upstream);
  prepare(upstream);
}

ngx_int_t init_module(const ngx_cycle_t& cycle, const Kind& kind) noexcept {
  settle_keepers();
  for_each_upstream(cycle, [&](Upstream& upstream) noexcept {
    if (upstream.kind->name != kind.name) return;
    ngx_pool_t* memory = ngx_create_pool(ngx_pagesize, cycle.log);
    if (memory == nullptr) return;
    upstream.configuration = upstream.pool.begin_configuration();
    leave_out_surplus(upstream, upstream.pool, *cycle.log);
    const Listing all = list_servers(upstream, *memory);
    configure_pool(upstream, all.members, all.servers);
    load_learned(upstream, *cycle.log);
    ngx_destroy_pool(memory);
  });
  return NGX_OK;
}

ngx_int_t init_process(const ngx_cycle_t& cycle, const Kind& kind) noexcept {
  // Cache managers come here, too.
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return NGX_OK;
  bool any = false;
  for_each_upstream(cycle, [&](Upstream& upstream) noexcept {
    if (upstream.kind->name != kind.name) return;
    const ListLock lock(upstream);
    any |= prepare(upstream);
  });
  if (any) start_timer(cycle.log);
  start_keepers(cycle);
  return NGX_OK;
}

void exit_process(const ngx_cycle_t& cycle, const Kind& kind) noexcept {
  end_keepers();
  for_each_upstream(cycle, [&](Upstream& upstream) noexcept {
    // Else whoever heals the pool gives back what is left in flight.
    if (upstream.kind->name == kind.name && upstream.worker.picker &&
        upstream.worker.in_flight == 0) {
      upstream.pool.leave(upstream.worker.slot, self());
    }
  });
}

}  // namespace leastwise::nginx
