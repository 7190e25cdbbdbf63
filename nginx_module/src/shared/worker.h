// Worker: what one process keeps of one upstream.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_WORKER_H_
#define LEASTWISE_NGINX_MODULE_SHARED_WORKER_H_

#include <cstdint>
#include <span>

#include "leastwise/picker.h"
#include "shared/ngx.h"
#include "shared/peers.h"

namespace leastwise::nginx {

struct Kind;
struct Upstream;

// Which member has an address of that hash.
struct AddressOf {
  std::uint32_t hash;
  MemberIndex member;

  friend auto operator<=>(const AddressOf&, const AddressOf&) noexcept = default;
};

struct Worker {
  ProcessSlot slot = kNoSlot;
  bool is_told = false;              // that there is no row for it
  time_t told = 0;                   // when it last told of a request that fails everywhere
  Picker picker;                     // false until the process has joined the pool
  std::span<Server> servers;         // by the picker's member
  std::span<AddressOf> addresses;    // of those, by hash, where another method chooses
  ngx_uint_t generation = 0;         // of the list that they were read from
  std::uint32_t in_flight = 0;       // attempts of this process
  std::uint32_t changes = 0;         // those of the pool (Pool::changes) that `tries` knows of
  ngx_uint_t tries = 0;              // servers that are up
  std::uint32_t place = 0xffffffff;  // among the upstreams of its timer
  ngx_msec_t healed = 0;             // when this process last healed the pool
  ngx_pool_t* memory = nullptr;      // of the picker and the servers
  ngx_event_t learning{};            // posted when the pool should not wait for the timer
};

// Makes the worker ready to pick from the servers of now. False when memory ran out.
// REQUIRES: ListLock.
bool prepare(Upstream& upstream) noexcept;

// How often a request may be tried: `configured` is what nginx says, which does not know who is up
// or down by an operator's word. O(servers) once after each change.
ngx_uint_t tries_of(Upstream& upstream, ngx_uint_t configured) noexcept;

// Whether a pool had no row for this process, which then is not counted there.
bool lacks_rows() noexcept;
// Tries again; to be called now and then.
void join_late(Upstream& upstream) noexcept;

// nginx's module hooks, for the upstreams of one kind. `init_module` runs in the master, before
// any worker and after nothing can fail any more: only there is the new configuration told to
// the pools, which the old workers still use.
ngx_int_t init_module(const ngx_cycle_t& cycle, const Kind& kind) noexcept;
ngx_int_t init_process(const ngx_cycle_t& cycle, const Kind& kind) noexcept;
void exit_process(const ngx_cycle_t& cycle, const Kind& kind) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_WORKER_H_
