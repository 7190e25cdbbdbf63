// Watching: `leastwise_observe on` in either module: another method chooses and Leastwise looks on.
//
// nginx's own callbacks run first and unchanged. What fails here, for lack of memory say, leaves
// the request as it is: it is not learned from.
//
// `Module` says what differs:
//   Attempt, Conf, Block, Line, Peers   types of the module: an attempt, what it keeps of an
//                                       upstream{}, nginx's block and server line, its list
//   kName                               "http" or "stream"
//   kNotifies                           nginx tells of steps though its method has asked for none
//   starts_anew(attempt)                what was tried before does not count
//   on_notify(attempt, pc, type)        nginx tells of a step
#ifndef LEASTWISE_NGINX_MODULE_SHARED_WATCHING_H_
#define LEASTWISE_NGINX_MODULE_SHARED_WATCHING_H_

#include <new>
#include <span>

#include "shared/addresses.h"
#include "shared/configured.h"
#include "shared/method.h"
#include "shared/timer.h"
#include "shared/upstream.h"
#include "shared/worker.h"
#include "shared/zone.h"

namespace leastwise::nginx {

template <typename Module>
class Watching {
  using Attempt = typename Module::Attempt;
  using Conf = typename Module::Conf;
  using Block = typename Module::Block;
  using Watched = Method<Attempt>;

 public:
  // Of an upstream{} that has the directive, once nginx has set its method up: `init_peer` takes
  // the place of the method's. False when it can not begin; the error is logged.
  template <typename Init>
  static bool set_up(ngx_conf_t* cf, Conf& conf, Block& block, Init init_peer) noexcept {
    if (!conf.config.observe) return true;
    conf.watches = true;
    conf.kind = &kKind;
    conf.block = &block;
    conf.changes = changes(conf);
    if (!fit_names(cf, conf, longest_name(conf, *cf->temp_pool))) return false;
    conf.method = block.peer.init;
    block.peer.init = init_peer;
    return add_zone(cf, conf) == NGX_OK;
  }

  // Of a request or session whose method has just set `pc` up; nothing without an attempt.
  static void begin(ngx_peer_connection_t& pc, Attempt* attempt, ngx_pool_t& memory) noexcept {
    void* place = ngx_palloc(&memory, sizeof(Watched));
    if (attempt == nullptr || place == nullptr) return;
    auto* watched = new (place) Watched{};
    watched->attempt = attempt;
    watched->put_before(pc);
    pc.get = get_peer;
    pc.free = free_peer;
    if (Module::kNotifies || pc.notify != nullptr) pc.notify = notify_peer;
  }

 private:
  // nginx has chosen a server. REQUIRES: ListLock.
  static void note_choice(ngx_peer_connection_t& pc, Attempt& attempt) noexcept {
    Conf& conf = *attempt.conf;
    if (pc.sockaddr == nullptr || (!is_current(conf) && !prepare(conf))) return;
    Worker& worker = conf.worker;
    const bool anew = Module::starts_anew(attempt);
    if (anew || attempt.generation != worker.generation) {
      attempt.generation = worker.generation;
      attempt.tried = nullptr;
    }
    const MemberIndex member = member_at(worker, *pc.sockaddr, pc.socklen);
    if (member == kNoMember) return;
    auto* added = new_try(attempt);
    if (added == nullptr) return;
    Tried tried;
    for (const auto* t = attempt.tried; t != nullptr; t = t->next) tried.insert(t->ticket.member);
    const Ticket ticket =
        worker.picker.watch(conf.config, request_of(attempt), member, tried, now(), added->would);
    if (ticket) begin_try(attempt, *added, ticket);
  }

  static ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) noexcept {
    Watched& watched = Watched::of(data);
    const ngx_int_t rc = watched.get(pc, watched.data);
    if (rc != NGX_OK && rc != NGX_DONE) return rc;
    const ListLock lock(*watched.attempt->conf);
    note_choice(*pc, *watched.attempt);
    return rc;
  }

  static void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t state) noexcept {
    Watched& watched = Watched::of(data);
    watched.free(pc, watched.data, state);
    end_try(*watched.attempt, *pc, state);
  }

  static void notify_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t type) noexcept {
    Watched& watched = Watched::of(data);
    if (watched.notify != nullptr) watched.notify(pc, watched.data, type);
    Module::on_notify(*watched.attempt, *pc, type);
  }

  static std::size_t list(const Upstream& upstream, std::span<Server> out) noexcept {
    const auto& conf = static_cast<const Conf&>(upstream);
    return Configured<typename Module::Peers, typename Module::Line>::list(
        upstream, *conf.block->servers, out);
  }

  // Only with `zone`, for which nginx takes the list for round robin's own, is it that for sure.
  static bool changes([[maybe_unused]] const Conf& conf) noexcept {
#if LEASTWISE_NGX_RESOLVE
    return conf.block->shm_zone != nullptr && Module::Peers::resolves(peers_of(conf));
#else
    return false;
#endif
  }

  static constexpr Kind kKind = {
      .name = Module::kName,
      .list = list,
      .generation = Module::Peers::generation,
      .lock = Module::Peers::lock,
      .unlock = Module::Peers::unlock,
      .make_spares = nullptr,  // nobody is added to what another method goes by
      .use_spare = nullptr,
  };
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_WATCHING_H_
