#include "stream/watch.h"

#include <new>

#include "shared/addresses.h"
#include "shared/configured.h"
#include "shared/method.h"
#include "shared/timer.h"
#include "shared/worker.h"
#include "shared/zone.h"
#include "stream/attempt.h"
#include "stream/balancer.h"
#include "stream/peers.h"

namespace leastwise::nginx {
namespace {

using Watched = Method<Attempt>;

// nginx has chosen a server. REQUIRES: ListLock.
void note_choice(ngx_peer_connection_t& pc, Attempt& attempt) noexcept {
  UpstreamConf& conf = *attempt.conf;
  if (pc.sockaddr == nullptr || (!is_current(conf) && !prepare(conf))) return;
  Worker& worker = conf.worker;
  if (attempt.generation != worker.generation) {
    attempt.generation = worker.generation;
    attempt.tried = nullptr;
  }
  const MemberIndex member = member_at(worker, *pc.sockaddr, pc.socklen);
  if (member == kNoMember) return;
  Try* added = new_try(attempt);
  if (added == nullptr) return;
  Tried tried;
  for (const Try* t = attempt.tried; t != nullptr; t = t->next) tried.insert(t->ticket.member);
  const Ticket ticket =
      worker.picker.watch(conf.config, request_of(attempt), member, tried, now(), added->would);
  if (!ticket) return;
  begin_try(attempt, *added, ticket);
}

ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) noexcept {
  Watched& watched = Watched::of(data);
  const ngx_int_t rc = watched.get(pc, watched.data);
  if (rc != NGX_OK && rc != NGX_DONE) return rc;
  const ListLock lock(*watched.attempt->conf);
  note_choice(*pc, *watched.attempt);
  return rc;
}

void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t state) noexcept {
  Watched& watched = Watched::of(data);
  watched.free(pc, watched.data, state);
  end_try(*watched.attempt, *pc, state);
}

void notify_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t type) noexcept {
  Watched& watched = Watched::of(data);
  if (watched.notify != nullptr) watched.notify(pc, watched.data, type);
  if (type == NGX_STREAM_UPSTREAM_NOTIFY_CONNECT) on_connected(*watched.attempt, *pc);
}

ngx_int_t init_peer(ngx_stream_session_t* s, ngx_stream_upstream_srv_conf_t* us) noexcept {
  UpstreamConf& conf = conf_of(us);
  const ngx_int_t rc = conf.method(s, us);
  if (rc != NGX_OK) return rc;
  Attempt* attempt = make_attempt(s, conf);
  void* memory = ngx_palloc(s->connection->pool, sizeof(Watched));
  if (attempt == nullptr || memory == nullptr) return rc;
  auto* watched = new (memory) Watched{};
  watched->attempt = attempt;
  ngx_peer_connection_t& pc = s->upstream->peer;
  watched->put_before(pc);
  pc.get = get_peer;
  pc.free = free_peer;
  pc.notify = notify_peer;
  return rc;
}

std::size_t list(const Upstream& upstream, std::span<Server> out) noexcept {
  const auto& conf = static_cast<const UpstreamConf&>(upstream);
  return Configured<StreamPeers, ngx_stream_upstream_server_t>::list(upstream, *conf.block->servers,
                                                                     out);
}

constinit const Kind kWatchedKind = {
    .name = "stream",
    .list = list,
    .generation = StreamPeers::generation,
    .lock = StreamPeers::lock,
    .unlock = StreamPeers::unlock,
};

// Only with `zone`, for which nginx takes the list for round robin's own, is it that for sure.
bool changes(const UpstreamConf& conf) noexcept {
#if LEASTWISE_NGX_RESOLVE
  return conf.block->shm_zone != nullptr && StreamPeers::resolves(peers_of(conf));
#else
  (void)conf;
  return false;
#endif
}

}  // namespace

bool watch(ngx_conf_t* cf, UpstreamConf& conf, ngx_stream_upstream_srv_conf_t& block) noexcept {
  if (!conf.config.observe) return true;
  conf.watches = true;
  conf.kind = &kWatchedKind;
  conf.block = &block;
  conf.changes = changes(conf);
  if (!fit_names(cf, conf, longest_name(conf, *cf->temp_pool))) return false;
  conf.method = block.peer.init;
  block.peer.init = init_peer;
  return add_zone(cf, conf) == NGX_OK;
}

}  // namespace leastwise::nginx
