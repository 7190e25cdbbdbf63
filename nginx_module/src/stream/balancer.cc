#include "stream/balancer.h"

#include "shared/round_trip.h"
#include "shared/sessions.h"
#include "shared/slots.h"
#include "shared/timer.h"
#include "shared/worker.h"
#include "shared/zone.h"
#include "stream/observe.h"
#include "stream/peers.h"
#include "stream/script.h"

namespace leastwise::nginx {
namespace {

constexpr time_t kTellEach = 60;  // seconds, by each worker

Ticket pick(Attempt& attempt) noexcept {
  UpstreamConf& conf = *attempt.conf;
  Tried tried;
  for (const Try* t = attempt.tried; t != nullptr; t = t->next) tried.insert(t->ticket.member);
  const leastwise::Request request = request_of(attempt);
  return conf.worker.picker.pick(conf.config, request, tried, now());
}

bool is_added(const Server& server) noexcept { return (server.settings.flags & kAdded) != 0; }

// Outlives a peer that DNS or an operator takes away, for variables.
ngx_str_t name_of(MemberIndex member, const Attempt& attempt) noexcept {
  const auto servers = attempt.conf->worker.servers;
  if (member >= servers.size()) return {0, nullptr};
  ngx_str_t name = servers[member].name;
  if (attempt.conf->changes || is_added(servers[member])) {
    name.data = ngx_pstrdup(attempt.session->connection->pool, &name);
    if (name.data == nullptr) name.len = 0;
  }
  return name;
}

// False when memory ran out.
bool start(ngx_peer_connection_t& pc, Attempt& attempt, Try& added, const Ticket& ticket) noexcept {
  const Server& server = attempt.conf->worker.servers[ticket.member];
  sockaddr* copied =
      is_added(server) ? copy_address(server, *attempt.session->connection->pool) : nullptr;
  if (is_added(server) && copied == nullptr) return false;
  StreamPeers::hold(*attempt.conf, server);
  auto& peer = *static_cast<Peer*>(server.peer);
  attempt.round_robin.peers = static_cast<Peers*>(server.list);
  attempt.round_robin.current = &peer;
  pc.sockaddr = copied != nullptr ? copied : peer.sockaddr;
  pc.socklen = server.address_size;
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
  ngx_log_t& log = *attempt.session->connection->log;
  UpstreamConf& conf = *attempt.conf;
  if (conf.watches) return;
  // A list that changes may have lost them, and nginx counts by itself.
  if (!conf.changes && attempt.generation == conf.worker.generation) {
    for (const Verdict::Blamed& b : attempt.verdict.blamed()) {
      if (b.member < conf.worker.servers.size()) {
        StreamPeers::count_failure(conf, conf.worker.servers[b.member], b.is_out, log);
      }
    }
  }
  if (attempt.verdict.forgiven() < 2) return;
  const ngx_uint_t n = attempt.verdict.forgiven();
  const time_t since = ngx_time() - conf.worker.told;
  if (conf.worker.told != 0 && since >= 0 && since < kTellEach) return;
  conf.worker.told = ngx_time();
  ngx_log_error(NGX_LOG_WARN, &log, 0,
                "a session failed alike on %ui servers of upstream \"%V\" and was served by none: "
                "no server is blamed for it, look into what serves it (told once in %T s)",
                n, &conf.shown_name, kTellEach);
}

// What an answer says of who would have been picked.
void compare(Attempt& attempt, const Outcome& outcome) noexcept {
  if (!attempt.conf->watches) return;
  attempt.conf->worker.picker.compare(attempt.last->ticket, attempt.last->would, outcome);
}

void finish(Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state) noexcept {
  const TimePoint at = now();
  const Outcome outcome = observe(attempt, pc, state, at);
  attempt.conf->worker.picker.finish(attempt.conf->config, attempt.last->ticket, outcome, at,
                                     &attempt.verdict);
  compare(attempt, outcome);
  announce(attempt);
}

void take_back(Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state) noexcept {
  unpost(attempt);
  if (!attempt.in_flight) return;
  // A datagram that is refused or not answered later in a session is another failure.
  const bool fails_again = (state & NGX_PEER_FAILED) != 0;
  if (attempt.answered && !fails_again) {
    attempt.conf->worker.picker.release(attempt.conf->config, attempt.last->ticket, now());
  } else {
    finish(attempt, pc, state);
  }
  end(attempt);
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
  const Ticket ticket = pick(attempt);
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
  take_back(attempt, *pc, state);
  if (attempt.conf->changes) {
    ngx_stream_upstream_free_round_robin_peer(pc, &attempt.round_robin, state);
  } else {
    StreamPeers::let_go(*pc, *attempt.conf, *attempt.round_robin.peers,
                        *attempt.round_robin.current, state);
  }
  if ((state & NGX_PEER_FAILED) == 0 || pc->tries == 0) settle(attempt);
}

void notify_peer(ngx_peer_connection_t* pc, void* data, ngx_uint_t type) noexcept {
  auto& attempt = *static_cast<Attempt*>(data);
  if (type == NGX_STREAM_UPSTREAM_NOTIFY_CONNECT) on_connected(attempt, *pc);
  if (attempt.conf->changes && attempt.notify != nullptr) attempt.notify(pc, data, type);
}

// The session goes on after its first byte.
void learn_begun(ngx_event_t* event) noexcept {
  auto& attempt = *static_cast<Attempt*>(event->data);
  if (!attempt.in_flight || attempt.answered) return;
  UpstreamConf& conf = *attempt.conf;
  const Outcome outcome = observe_begun(attempt);
  conf.worker.picker.answered(conf.config, attempt.last->ticket, outcome, now(), &attempt.verdict);
  compare(attempt, outcome);
  announce(attempt);
  attempt.answered = true;
  on_answer(conf);
}

// After what nginx still does at once: most sessions of one exchange are over by then, and are
// learned from in one step.
void learn_soon(Attempt& attempt) noexcept {
  attempt.learning.data = &attempt;
  attempt.learning.handler = learn_begun;
  attempt.learning.log = attempt.session->connection->log;
  ngx_post_event(&attempt.learning, &ngx_posted_events);
}

void on_first_byte(Attempt& attempt) noexcept {
  attempt.last->first_byte = server_time(attempt, now());
  attempt.conf->answers = true;
  const ngx_peer_connection_t& pc = attempt.session->upstream->peer;
  if (pc.type != SOCK_DGRAM && pc.connection != nullptr) {
    attempt.last->round_trip =
        sample_round_trip(pc.connection->fd, pc.sockaddr->sa_family == AF_UNIX);
  }
  if (attempt.conf->config.sample != Sample::kFull) learn_soon(attempt);
}

// Else what goes to the server is a PROXY protocol header alone.
bool has_asked(const ngx_stream_session_t& s) noexcept {
  const ngx_buf_t* preread = s.connection->buffer;
  return s.received > 0 || (preread != nullptr && preread->pos != preread->last);
}

// nginx reads no more of a server that refused a datagram, once the kernel has told it so.
bool is_refused(const ngx_stream_session_t& s) noexcept {
  const ngx_connection_t* c = s.upstream->peer.connection;
  return c != nullptr && c->type == SOCK_DGRAM && c->read->error;
}

bool has_answer(const ngx_stream_session_t& s, const ngx_chain_t* in) noexcept {
  // A datagram may be empty; what is empty over TCP marks the end.
  if (s.connection->type == SOCK_DGRAM && in != nullptr) return true;
  for (; in != nullptr; in = in->next) {
    if (ngx_buf_size(in->buf) > 0) return true;
  }
  return false;
}

ngx_int_t init_peer(ngx_stream_session_t* s, ngx_stream_upstream_srv_conf_t* us) noexcept {
  Attempt* attempt = make_attempt(s, conf_of(us));
  if (attempt == nullptr) return NGX_ERROR;
  ngx_peer_connection_t& pc = s->upstream->peer;
  pc.data = &attempt->round_robin;
  if (ngx_stream_upstream_init_round_robin_peer(s, us) != NGX_OK) return NGX_ERROR;
  pc.tries = tries_of(*attempt->conf, pc.tries);
  if (!attempt->conf->changes) keep_sessions<Attempt>(pc);
  attempt->notify = pc.notify;
  pc.get = get_peer;
  pc.free = free_peer;
  pc.notify = notify_peer;
  return NGX_OK;
}

// With `leastwise_lua` alone: others do not look whether there is a script.
ngx_int_t get_scripted_peer(ngx_peer_connection_t* pc, void* data) noexcept {
  const auto& attempt = *static_cast<Attempt*>(data);
  lua::Script& script = *attempt.conf->script;
  script.about(script_source, attempt.session);
  const ngx_int_t rc = get_peer(pc, data);
  script.about({}, nullptr);
  return rc;
}

ngx_int_t init_scripted_peer(ngx_stream_session_t* s, ngx_stream_upstream_srv_conf_t* us) noexcept {
  if (const ngx_int_t rc = init_peer(s, us); rc != NGX_OK) return rc;
  ask_script(*static_cast<Attempt*>(s->upstream->peer.data));
  s->upstream->peer.get = get_scripted_peer;
  return NGX_OK;
}

ngx_int_t init_upstream(ngx_conf_t* cf, ngx_stream_upstream_srv_conf_t* us) noexcept {
  UpstreamConf& conf = conf_of(us);
  if (ngx_stream_upstream_init_round_robin(cf, us) != NGX_OK) return NGX_ERROR;
  us->peer.init = conf.script != nullptr ? init_scripted_peer : init_peer;
  conf.kind = &stream_kind;
  conf.block = us;
  conf.changes = StreamPeers::resolves(peers_of(conf));
  if (!fit_names(cf, conf, StreamPeers::longest_name(peers_of(conf)))) return NGX_ERROR;
  return add_zone(cf, conf);
}

}  // namespace

void balance(ngx_conf_t* cf) noexcept {
  ngx_stream_upstream_srv_conf_t& us = block_of(cf);
  if (us.peer.init_upstream != nullptr) {
    ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "load balancing method redefined");
  }
  us.peer.init_upstream = init_upstream;
  us.flags = NGX_STREAM_UPSTREAM_CREATE | NGX_STREAM_UPSTREAM_WEIGHT |
             NGX_STREAM_UPSTREAM_MAX_CONNS | NGX_STREAM_UPSTREAM_MAX_FAILS |
             NGX_STREAM_UPSTREAM_FAIL_TIMEOUT |
#ifdef NGX_STREAM_UPSTREAM_MODIFY
             NGX_STREAM_UPSTREAM_MODIFY |
#endif
             NGX_STREAM_UPSTREAM_DOWN | NGX_STREAM_UPSTREAM_BACKUP;
}

leastwise::Request request_of(const Attempt& attempt) noexcept {
  return {.route = attempt.route, .key = attempt.key, .in_flight = {}, .name = attempt.route_name};
}

void begin_try(Attempt& attempt, Try& added, const Ticket& ticket) noexcept {
  added.ticket = ticket;
  added.server = name_of(ticket.member, attempt);
  added.shadow = name_of(added.would.member, attempt);
  append_try(attempt, added);
  attempt.connected = attempt.asked = TimePoint{};
  attempt.in_flight = true;
  attempt.answered = false;
  ++attempt.conf->worker.in_flight;
  note_use(*attempt.conf);
}

void on_connected(Attempt& attempt, const ngx_peer_connection_t& pc) noexcept {
  attempt.connected = now();
  // Of a datagram it says nothing. Once a connection is made no other server is tried: who refused
  // before did so by itself.
  if (pc.type == SOCK_DGRAM || attempt.verdict.empty()) return;
  attempt.conf->worker.picker.blame_all(attempt.conf->config, attempt.verdict, attempt.connected);
  announce(attempt);
}

void end_try(Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state) noexcept {
  take_back(attempt, pc, state);
  if ((state & NGX_PEER_FAILED) == 0 || pc.tries == 0) settle(attempt);
}

bool on_data(Attempt& attempt, const ngx_chain_t* in, bool from_server) noexcept {
  if (!attempt.in_flight) return true;
  if (from_server && is_refused(*attempt.session)) return attempt.conf->watches;
  if (attempt.answered || attempt.last->first_byte != kUnknownDuration) return true;
  ngx_stream_session_t& s = *attempt.session;
  if (!from_server) {
    if (attempt.asked == TimePoint{} && has_asked(s)) attempt.asked = now();
  } else if (has_answer(s, in)) {
    on_first_byte(attempt);
  }
  return true;
}

void settle(Attempt& attempt) noexcept {
  if (attempt.verdict.empty()) return;
  UpstreamConf& conf = *attempt.conf;
  conf.worker.picker.settle(conf.config, attempt.verdict, now());
  announce(attempt);
}

}  // namespace leastwise::nginx
