#include "shared/worker.h"

#include <csignal>

#include <cerrno>
#include <new>

#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

constexpr ngx_msec_t kTickMs = 100;
constexpr unsigned kTicksPerHeal = 10;

bool alive(std::uint32_t pid) noexcept {
  return kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

std::uint32_t own_pid() noexcept { return static_cast<std::uint32_t>(ngx_pid); }

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
  const std::size_t wanted = upstream.kind->list(upstream, {});
  const auto members = allocate<Member>(memory, wanted);
  const auto servers = allocate<Server>(memory, wanted);
  if (members.data() == nullptr || servers.data() == nullptr) return {};
  upstream.kind->list(upstream, servers);
  const std::size_t n = join_pool(upstream, servers, members);
  if (n < wanted) {
    ngx_log_error(NGX_LOG_ERR, memory.log, 0,
                  "%uz of %uz servers of upstream \"%V\" get no requests: no room for them in zone "
                  "\"%V\"; make it larger with \"leastwise_zone\"",
                  wanted - n, wanted, &upstream.name, &upstream.zone->shm.name);
  }
  return {members.first(n), servers.first(n)};
}

std::uint64_t seed_of(const Worker& worker) noexcept {
  return (std::uint64_t{own_pid()} << 32) ^
         static_cast<std::uint64_t>(now().time_since_epoch().count()) ^
         reinterpret_cast<std::uintptr_t>(&worker);
}

void heal(Upstream& upstream) noexcept {
  const std::uint64_t healed = upstream.pool.heal(own_pid(), alive);
  if (healed == 0) return;
  ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                "%uL requests in flight in upstream \"%V\" given back for workers that died",
                healed, &upstream.name);
}

void tell_fallback(const Upstream& upstream, Chooser before) noexcept {
  const Chooser after = upstream.pool.chooser();
  if (after == Chooser::kFallback && before != after) {
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "\"adaptive\" answered slower than \"least_conn\" would in upstream \"%V\": "
                  "least_conn has it for a while; see \"model\" in leastwise_status",
                  &upstream.name);
  } else if (before == Chooser::kFallback && before != after) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "\"adaptive\" has upstream \"%V\" back, to be compared anew", &upstream.name);
  }
}

void tick(Upstream& upstream, bool heal_now) noexcept {
  if (!upstream.worker.picker) {
    // Without a master, a reload brings new upstreams into a process that runs already.
    const ListLock lock(upstream);
    prepare(upstream);
  }
  const Chooser before = upstream.pool.chooser();
  if (upstream.pool.tick(upstream.config, now())) tell_fallback(upstream, before);
  if (heal_now) heal(upstream);
}

// Whose it is changes with each reload, so it looks its upstreams up each time.
void on_timer(ngx_event_t* event) noexcept {
  static unsigned ticks = 0;
  const bool heal_now = ++ticks % kTicksPerHeal == 0;
  for_each_upstream(*ngx_cycle,
                    [heal_now](Upstream& upstream) noexcept { tick(upstream, heal_now); });
  event->log = ngx_cycle->log;
  ngx_add_timer(event, kTickMs);
}

void start_timer(ngx_log_t* log) noexcept {
  // One per process, and independent of any configuration: without a master the first
  // one's memory goes while the timer still runs.
  static ngx_event_t timer;
  static ngx_connection_t nobody;  // nginx's debug log reads a file number from it
  nobody.fd = static_cast<ngx_socket_t>(-1);
  timer.data = &nobody;
  timer.handler = on_timer;
  timer.log = log;
  timer.cancelable = 1;  // a worker that shuts down does not wait for it
  ngx_add_timer(&timer, kTickMs);
}

void learn(ngx_event_t* event) noexcept {
  Upstream& upstream = *static_cast<Upstream*>(event->data);
  upstream.pool.catch_up(now());
}

}  // namespace

void on_answer(Upstream& upstream) noexcept {
  if (!upstream.pool.is_behind(upstream.worker.slot)) return;
  ngx_event_t& event = upstream.worker.learning;
  event.data = &upstream;
  event.handler = learn;
  event.log = ngx_cycle->log;
  ngx_post_event(&event, &ngx_posted_events);
}

bool prepare(Upstream& upstream) noexcept {
  ngx_pool_t* memory = ngx_create_pool(ngx_pagesize, ngx_cycle->log);
  if (memory == nullptr) return false;
  const bool first = !upstream.worker.picker;
  heal(upstream);
  upstream.worker.slot = upstream.pool.join(own_pid(), alive);
  const Listing all = list_servers(upstream, *memory);
  // Servers that DNS brought or took away; a worker that shuts down may know old news.
  if (!first && !ngx_exiting) configure_pool(upstream, all.members, all.servers);

  const auto bytes = allocate<std::byte>(*memory, Picker::bytes_for(all.members.size()));
  Picker picker;
  if (bytes.data() == nullptr || !Picker::create(upstream.pool, upstream.worker.slot, all.members,
                                                 bytes, seed_of(upstream.worker), picker)
                                      .ok()) {
    ngx_destroy_pool(memory);
    return false;
  }
  if (upstream.worker.memory != nullptr) ngx_destroy_pool(upstream.worker.memory);
  upstream.worker.picker = picker;
  upstream.worker.servers = all.servers;
  upstream.worker.generation = generation_of(upstream);
  upstream.worker.memory = memory;
  return true;
}

ngx_int_t init_module(const ngx_cycle_t& cycle, const Kind& kind) noexcept {
  for_each_upstream(cycle, [&](Upstream& upstream) noexcept {
    if (upstream.kind != &kind) return;
    ngx_pool_t* memory = ngx_create_pool(ngx_pagesize, cycle.log);
    if (memory == nullptr) return;
    const Listing all = list_servers(upstream, *memory);
    configure_pool(upstream, all.members, all.servers);
    ngx_destroy_pool(memory);
  });
  return NGX_OK;
}

ngx_int_t init_process(const ngx_cycle_t& cycle, const Kind& kind) noexcept {
  // Cache managers come here, too.
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return NGX_OK;
  bool any = false;
  for_each_upstream(cycle, [&](Upstream& upstream) noexcept {
    if (upstream.kind != &kind) return;
    const ListLock lock(upstream);
    any |= prepare(upstream);
  });
  if (any) start_timer(cycle.log);
  return NGX_OK;
}

void exit_process(const ngx_cycle_t& cycle, const Kind& kind) noexcept {
  for_each_upstream(cycle, [&](Upstream& upstream) noexcept {
    // Else whoever heals the pool gives back what is left in flight.
    if (upstream.kind == &kind && upstream.worker.picker && upstream.worker.in_flight == 0) {
      upstream.pool.leave(upstream.worker.slot, own_pid());
    }
  });
}

}  // namespace leastwise::nginx
