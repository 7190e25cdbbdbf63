#include "http/balancer.h"

#include <algorithm>

#include "http/observe.h"
#include "http/peers.h"
#include "http/prompt.h"
#include "http/script.h"
#include "shared/round_trip.h"
#include "shared/sessions.h"
#include "shared/slots.h"
#include "shared/timer.h"
#include "shared/worker.h"
#include "shared/zone.h"

namespace leastwise::nginx {
namespace {

constexpr time_t kTellEach = 60;  // seconds, by each worker

Ticket pick(Attempt& attempt) noexcept {
  UpstreamConf& conf = *attempt.conf;
  Tried tried;
  for (const Try* t = attempt.tried; t != nullptr; t = t->next) tried.insert(t->ticket.member);
  const Request request = request_of(attempt);
  const TimePoint at = now();
  Ticket ticket = conf.worker.picker.pick(conf.config, request, tried, at);
  if (!ticket && attempt.stale) {
    // nginx grants another try after a stale kept connection: let it not fail only
    // because every server counts as tried.
    attempt.stale = false;
    attempt.tried = nullptr;
    tried = Tried{};
    ticket = conf.worker.picker.pick(conf.config, request, tried, at);
  }
  return ticket;
}

#if (NGX_HTTP_UPSTREAM_SID)
// The server that the client's session is bound to, kNoMember if there is none that may be used,
// among the primaries or, once these can not serve, the backups. Whether it may is asked of nginx
// here, which alone knows how sessions treat a draining server.
MemberIndex bound_member(const ngx_peer_connection_t& pc, Attempt& attempt) noexcept {
  constexpr std::size_t kBits = 8 * sizeof(std::uintptr_t);
  PeerData& round_robin = attempt.round_robin;
  Peers& primaries = peers_of(*attempt.conf);
  round_robin.peers = attempt.at_backups ? primaries.next : &primaries;
  // After a change of the list nginx's record of what was tried may be too short for it.
  if (pc.hint == nullptr || round_robin.config != generation_of(*attempt.conf)) return kNoMember;
  ngx_uint_t position = 0;
  const Peer* peer = ngx_http_upstream_get_rr_peer_by_sid(&round_robin, pc.hint, &position, 0);
  if (peer == nullptr) return kNoMember;
  round_robin.tried[position / kBits] |= std::uintptr_t{1} << position % kBits;

  const std::span<const Server> servers = attempt.conf->worker.servers;
  const auto found = std::ranges::find(servers, peer, &Server::peer);
  return found == servers.end() ? kNoMember : static_cast<MemberIndex>(found - servers.begin());
}

// As nginx does when no primary can serve: what was tried is asked of the backups from now on.
bool go_to_backups(Attempt& attempt) noexcept {
  const Peers* backups = peers_of(*attempt.conf).next;
  if (attempt.at_backups || backups == nullptr) return false;
  constexpr std::size_t kBits = 8 * sizeof(std::uintptr_t);
  attempt.at_backups = true;
  // It has room for the longer of the two lists.
  std::fill_n(attempt.round_robin.tried, (backups->number + kBits - 1) / kBits, 0);
  return true;
}

Ticket pick_for_session(const ngx_peer_connection_t& pc, Attempt& attempt) noexcept {
  UpstreamConf& conf = *attempt.conf;
  Picker& picker = conf.worker.picker;
  MemberIndex bound = bound_member(pc, attempt);
  if (bound == kNoMember) {
    const Ticket ticket = pick(attempt);
    if (pc.hint == nullptr || ticket.reason != Reason::kBackup || !go_to_backups(attempt)) {
      return ticket;
    }
    bound = bound_member(pc, attempt);
    if (bound == kNoMember || bound == ticket.member) return ticket;
    Outcome not_used;
    not_used.result = Result::kCancelled;
    picker.finish(conf.config, ticket, not_used, now());
  }
  return picker.adopt(conf.config, request_of(attempt), bound, now());
}
#endif

bool is_added(const Server& server) noexcept { return (server.settings.flags & kAdded) != 0; }

// Outlives a peer that DNS or an operator takes away, for variables.
ngx_str_t name_of(MemberIndex member, const Attempt& attempt) noexcept {
  const auto servers = attempt.conf->worker.servers;
  if (member >= servers.size()) return {0, nullptr};
  ngx_str_t name = servers[member].name;
  if (attempt.conf->changes || is_added(servers[member])) {
    name.data = ngx_pstrdup(attempt.request->pool, &name);
    if (name.data == nullptr) name.len = 0;
  }
  return name;
}

// False when memory ran out.
bool start(ngx_peer_connection_t& pc, Attempt& attempt, Try& added, const Ticket& ticket) noexcept {
  const Server& server = attempt.conf->worker.servers[ticket.member];
  sockaddr* copied = is_added(server) ? copy_address(server, *attempt.request->pool) : nullptr;
  if (is_added(server) && copied == nullptr) return false;
  HttpPeers::hold(*attempt.conf, server);
  auto& peer = *static_cast<Peer*>(server.peer);
  attempt.round_robin.peers = static_cast<Peers*>(server.list);
  attempt.round_robin.current = &peer;
  pc.sockaddr = copied != nullptr ? copied : peer.sockaddr;
  pc.socklen = server.address_size;
#if (NGX_HTTP_UPSTREAM_SID)
  pc.sid = &peer.sid;
#endif
  begin_try(attempt, added, ticket);
  pc.name = copied != nullptr ? &added.server : &peer.name;
  return true;
}

// The last try has ended.
void end(Attempt& attempt) noexcept {
  --attempt.conf->worker.in_flight;
  attempt.in_flight = false;
  on_answer(*attempt.conf);
}

// Tells nginx's own count and the log what the last verdict was.
void announce(Attempt& attempt) noexcept {
  ngx_log_t& log = *attempt.request->connection->log;
  UpstreamConf& conf = *attempt.conf;
  if (conf.watches) return;
  // A list that changes may have lost them, and nginx counts by itself.
  if (!conf.changes && attempt.generation == conf.worker.generation) {
    for (const Verdict::Blamed& b : attempt.verdict.blamed()) {
      if (b.member < conf.worker.servers.size())
        HttpPeers::count_failure(conf, conf.worker.servers[b.member], b.is_out, log);
    }
  }
  if (attempt.verdict.forgiven() < 2) return;
  const ngx_uint_t n = attempt.verdict.forgiven();
  const time_t since = ngx_time() - conf.worker.told;
  if (conf.worker.told != 0 && since >= 0 && since < kTellEach) return;
  conf.worker.told = ngx_time();
  // The request's own line may be gone by now.
  ngx_log_error(NGX_LOG_WARN, &log, 0,
                "\"%V\" failed alike on %ui servers of upstream \"%V\" and was answered by none: "
                "no server is blamed for it, look into what serves it (told once in %T s)",
                &attempt.request->unparsed_uri, n, &conf.name, kTellEach);
}

// What an answer says of who would have been picked.
void compare(Attempt& attempt, const Outcome& outcome) noexcept {
  if (!attempt.conf->watches) return;
  attempt.conf->worker.picker.compare(attempt.last->ticket, attempt.last->would, outcome);
}

Result finish(Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state) noexcept {
  const TimePoint at = now();
  const Outcome outcome = observe(attempt, pc, state, at);
  attempt.conf->worker.picker.finish(attempt.conf->config, attempt.last->ticket, outcome, at,
                                     &attempt.verdict);
  compare(attempt, outcome);
  announce(attempt);
  if (outcome.result == Result::kCancelled) attempt.stale = true;
  return outcome.result;
}

// Of what has no end of its own: what there is to learn has come.
void answer(Attempt& attempt, TimePoint at) noexcept {
  UpstreamConf& conf = *attempt.conf;
  const Outcome outcome = observe_endless(attempt);
  conf.worker.picker.answered(conf.config, attempt.last->ticket, outcome, at, &attempt.verdict);
  compare(attempt, outcome);
  announce(attempt);
  attempt.answered = true;
  on_answer(conf);
}

Result take_back(Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state) noexcept {
  if (!attempt.in_flight) return Result::kOk;
  Result result = Result::kOk;
  if (attempt.answered) {
    attempt.conf->worker.picker.release(attempt.conf->config, attempt.last->ticket, now());
  } else {
    result = finish(attempt, pc, state);
  }
  end(attempt);
  return result;
}

// nginx gives the try on a kept connection back.
bool is_last(const ngx_peer_connection_t& pc, bool may_go_on) noexcept {
  return !may_go_on || (pc.tries == 0 && !pc.cached);
}

ngx_int_t get_peer(ngx_peer_connection_t* pc, void* data) noexcept {
  auto& attempt = *static_cast<Attempt*>(data);
  UpstreamConf& conf = *attempt.conf;
  const Worker& worker = conf.worker;
  pc->cached = 0;
  pc->connection = nullptr;
  pc->name = peers_of(conf).name;

  Try* added = new_try(attempt);
  if (added == nullptr) return NGX_ERROR;
  const ListLock lock(conf);
  if (!is_current(conf) && !prepare(conf)) return NGX_ERROR;
  if (attempt.generation != worker.generation) {
    attempt.generation = worker.generation;
    attempt.tried = nullptr;
  }
#if (NGX_HTTP_UPSTREAM_SID)
  const Ticket ticket = pick_for_session(*pc, attempt);
#else
  const Ticket ticket = pick(attempt);
#endif
  if (!ticket) {
    settle(attempt);
    return NGX_BUSY;
  }
  if (start(*pc, attempt, *added, ticket)) return NGX_OK;
  Outcome not_sent;
  not_sent.result = Result::kCancelled;
  conf.worker.picker.finish(conf.config, ticket, not_sent, now());
  return NGX_ERROR;
}

void free_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t state) noexcept {
  auto& attempt = *static_cast<Attempt*>(data);
  const bool may_go_on = (state & (NGX_PEER_FAILED | NGX_PEER_NEXT)) != 0;
  // No failure of the server's, in nginx's own count either.
  if (take_back(attempt, *pc, state) == Result::kCancelled) state = 0;
  if (attempt.conf->changes) {
    ngx_http_upstream_free_round_robin_peer(pc, &attempt.round_robin, state);
  } else {
    HttpPeers::let_go(*pc, *attempt.conf, *attempt.round_robin.peers, *attempt.round_robin.current,
                      state);
  }
  if (is_last(*pc, may_go_on)) settle(attempt);
}

#if LEASTWISE_NGX_NOTIFY
void notify_peer(ngx_peer_connection_t*, void* data, ngx_uint_t type) noexcept {
  if (type == NGX_HTTP_UPSTREAM_NOTIFY_HEADER) on_first_byte(*static_cast<Attempt*>(data));
}
#endif

ngx_int_t init_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t* us) noexcept {
  Attempt* attempt = make_attempt(r, conf_of(us));
  if (attempt == nullptr) return NGX_ERROR;
  ngx_peer_connection_t& pc = r->upstream->peer;
  pc.data = &attempt->round_robin;
  if (ngx_http_upstream_init_round_robin_peer(r, us) != NGX_OK) return NGX_ERROR;
  pc.tries = tries_of(*attempt->conf, pc.tries);
  if (!attempt->conf->changes) keep_sessions<Attempt>(pc);
  pc.get = get_peer;
  pc.free = free_peer;
#if LEASTWISE_NGX_NOTIFY
  pc.notify = notify_peer;
#endif
  return NGX_OK;
}

// With `leastwise_lua` alone: others do not look whether there is a script.
ngx_int_t get_scripted_peer(ngx_peer_connection_t* pc, void* data) noexcept {
  const auto& attempt = *static_cast<Attempt*>(data);
  lua::Script& script = *attempt.conf->script;
  script.about(script_source, attempt.request);
  const ngx_int_t rc = get_peer(pc, data);
  script.about({}, nullptr);
  return rc;
}

ngx_int_t init_scripted_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t* us) noexcept {
  if (const ngx_int_t rc = init_peer(r, us); rc != NGX_OK) return rc;
  ask_script(*static_cast<Attempt*>(r->upstream->peer.data));
  r->upstream->peer.get = get_scripted_peer;
  return NGX_OK;
}

ngx_int_t init_upstream(ngx_conf_t* cf, ngx_http_upstream_srv_conf_t* us) noexcept {
  UpstreamConf& conf = conf_of(us);
  if (ngx_http_upstream_init_round_robin(cf, us) != NGX_OK) return NGX_ERROR;
  us->peer.init = conf.script != nullptr ? init_scripted_peer : init_peer;
  conf.kind = &http_kind;
  conf.block = us;
  conf.changes = HttpPeers::resolves(peers_of(conf));
  if (!fit_names(cf, conf, HttpPeers::longest_name(peers_of(conf)))) return NGX_ERROR;
  return add_zone(cf, conf);
}

}  // namespace

void balance(ngx_conf_t* cf) noexcept {
  ngx_http_upstream_srv_conf_t& us = block_of(cf);
  if (us.peer.init_upstream != nullptr) {
    // Word for word what nginx says when `keepalive` stands before its own methods.
    ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "load balancing method redefined");
  }
  us.peer.init_upstream = init_upstream;
  us.flags = NGX_HTTP_UPSTREAM_CREATE | NGX_HTTP_UPSTREAM_WEIGHT | NGX_HTTP_UPSTREAM_MAX_CONNS |
             NGX_HTTP_UPSTREAM_MAX_FAILS | NGX_HTTP_UPSTREAM_FAIL_TIMEOUT |
#ifdef NGX_HTTP_UPSTREAM_MODIFY
             NGX_HTTP_UPSTREAM_MODIFY |
#endif
             NGX_HTTP_UPSTREAM_DOWN | NGX_HTTP_UPSTREAM_BACKUP;
}

Request request_of(const Attempt& attempt) noexcept {
  return {.route = attempt.route,
          .key = attempt.key,
          .in_flight = {},
          .name = attempt.route_name,
          .prompt = attempt.prompt};
}

void begin_try(Attempt& attempt, Try& added, const Ticket& ticket) noexcept {
  added.ticket = ticket;
  added.server = name_of(ticket.member, attempt);
  added.has_prompt = attempt.prompt != nullptr;
  added.shadow = name_of(added.would.member, attempt);
  append_try(attempt, added);
  attempt.in_flight = true;
  attempt.answered = false;
  attempt.is_uploading = attempt.request->reading_body;
  ++attempt.conf->worker.in_flight;
  note_use(*attempt.conf);
}

void end_try(Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state) noexcept {
  const bool may_go_on = (state & (NGX_PEER_FAILED | NGX_PEER_NEXT)) != 0;
  take_back(attempt, pc, state);
  if (is_last(pc, may_go_on)) settle(attempt);
}

void on_first_byte(Attempt& attempt) noexcept {
  if (!attempt.in_flight || attempt.last->first_byte != kUnknownDuration) return;
  const TimePoint at = now();
  attempt.last->first_byte = at - attempt.last->ticket.start;
  // Now, because at the end the connection may be the keepalive module's.
  const ngx_peer_connection_t& pc = attempt.upstream->peer;
  if (pc.connection != nullptr) {
    attempt.last->round_trip =
        sample_round_trip(pc.connection->fd, pc.sockaddr->sa_family == AF_UNIX);
  }
  UpstreamConf& conf = *attempt.conf;
  if (!attempt.verdict.empty() && attempt.upstream->headers_in.status_n < NGX_HTTP_BAD_REQUEST) {
    conf.worker.picker.blame_all(conf.config, attempt.verdict, at);
    announce(attempt);
  }
  if (is_endless(attempt) && !awaits_token(attempt)) answer(attempt, at);
}

void on_first_token(Attempt& attempt) noexcept {
  if (!attempt.in_flight || attempt.last->first_token != kUnknownDuration) return;
  const TimePoint at = now();
  attempt.last->first_token = at - attempt.last->ticket.start;
  UpstreamConf& conf = *attempt.conf;
  if (conf.config.chosen_policy().by_prompt) {
    // All else is learned at its end, with what the answer says of the cache.
    conf.worker.picker.first_token(attempt.last->ticket, at);
  } else if (is_endless(attempt) && !attempt.answered) {
    answer(attempt, at);
  }
}

void settle(Attempt& attempt) noexcept {
  if (attempt.verdict.empty()) return;
  UpstreamConf& conf = *attempt.conf;
  conf.worker.picker.settle(conf.config, attempt.verdict, now());
  announce(attempt);
}

}  // namespace leastwise::nginx
