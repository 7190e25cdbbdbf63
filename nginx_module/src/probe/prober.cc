#include "probe/prober.h"

#include <cstring>
#include <new>
#include <span>

#include "probe/target.h"
#include "shared/directives.h"
#include "shared/timer.h"

namespace leastwise::nginx {
namespace {

constexpr ngx_msec_t kTurnMs = 200;
static_assert(kTurnMs * 4 < static_cast<ngx_msec_t>(Pool::kProbeLease.count() / 1000));

// What this process has of one upstream while it asks its servers for one thing.
struct Prober : Targets {
  ngx_pool_t* memory = nullptr;  // of the targets; nullptr while another process probes
  std::span<Target> targets;
  ngx_uint_t generation = 0;  // of the list that they are of
};

// Those of this process; of one cycle at a time.
std::span<Prober> probers;
const ngx_cycle_t* cycle_of_probers = nullptr;
ngx_event_t turn;
ngx_connection_t nobody;  // nginx's debug log reads a file number from it

#if (NGX_SSL)
bool make_tls(Prober& p) noexcept {
  if (p.tls.ctx != nullptr || !p.settings().tls) return true;
  p.tls.log = ngx_cycle->log;
  constexpr ngx_uint_t kProtocols =
      NGX_SSL_TLSv1 | NGX_SSL_TLSv1_1 | NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3;
  return ngx_ssl_create(&p.tls, kProtocols, nullptr) == NGX_OK;
}
void free_tls(Prober& p) noexcept {
  if (p.tls.ctx != nullptr) SSL_CTX_free(p.tls.ctx);
  p.tls.ctx = nullptr;
}
#else
bool make_tls(Prober&) noexcept { return true; }
void free_tls(Prober&) noexcept {}
#endif

void drop(Prober& p) noexcept {
  if (p.memory == nullptr) return;
  for (Target& target : p.targets) target.cancel();
  p.targets = {};
  ngx_destroy_pool(p.memory);
  p.memory = nullptr;
}

// False when memory ran out.
bool copy(const Server& server, std::uint16_t port, ngx_pool_t& memory, Target& out) noexcept {
  auto* address = static_cast<sockaddr*>(ngx_palloc(&memory, server.address_size));
  auto* name = static_cast<u_char*>(ngx_pnalloc(&memory, server.name.len + 1));
  if (address == nullptr || name == nullptr) return false;
  std::memcpy(address, server.address, server.address_size);
  std::memcpy(name, server.name.data, server.name.len);
  if (port != 0) ngx_inet_set_port(address, port);  // a unix socket has none
  out.address = address;
  out.address_size = server.address_size;
  out.name = {server.name.len, name};
  return true;
}

// The servers as this worker's picker has them. REQUIRES: ListLock.
bool gather(Prober& p) noexcept {
  Upstream& upstream = *p.upstream;
  if (!is_current(upstream) && !prepare(upstream)) return false;
  const auto servers = upstream.worker.servers;
  const auto members = upstream.worker.picker.members();
  void* memory = ngx_palloc(p.memory, servers.size() * sizeof(Target) + 1);
  if (memory == nullptr) return false;
  p.targets = {new (memory) Target[servers.size()], servers.size()};
  for (std::size_t i = 0; i < servers.size(); ++i) {
    Target& target = p.targets[i];
    target.data = &nobody;
    target.handler = Target::on_timer;
    target.log = ngx_cycle->log;
    target.cancelable = 1;
    target.all = &p;
    target.id = members[i].id;
    if (!copy(servers[i], p.settings().port, *p.memory, target)) return false;
    if (p.errand->is_scrape) {
      void* before = ngx_palloc(p.memory, sizeof(Samples));
      if (before == nullptr) return false;
      target.before = new (before) Samples;
    }
  }
  p.generation = upstream.worker.generation;
  return true;
}

void begin(Prober& p) noexcept {
  p.memory = ngx_create_pool(ngx_pagesize, ngx_cycle->log);
  if (p.memory == nullptr) return;
  p.rng = Rng(own_pid() ^ static_cast<std::uint64_t>(now().time_since_epoch().count()));
  const ListLock lock(*p.upstream);
  if (!make_tls(p) || !gather(p)) return drop(p);  // the next turn tries again
  for (Target& target : p.targets) target.schedule_first();
}

bool is_outdated(const Prober& p) noexcept {
  const ListLock lock(*p.upstream);
  return p.generation != version_of(*p.upstream);
}

void tell_panic(const Upstream& upstream) noexcept {
  Pool pool = upstream.pool;
  if (!pool.take_panic_news()) return;
  if (!pool.is_in_panic()) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "half of upstream \"%V\" pass their probes again: who fails them is left out",
                  &upstream.shown_name);
    return;
  }
  std::size_t failed = 0;
  pool.for_each([&](EndpointId id) noexcept {
    if (pool.view(id, upstream.config, now()).probe.failed) ++failed;
  });
  ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                "%uz of %uz servers of upstream \"%V\" fail their probes: all are used rather than "
                "none, until half of them pass; look at what they share, and at the settings of "
                "\"leastwise_probe\"",
                failed, pool.endpoints(), &upstream.shown_name);
}

void look(Prober& p) noexcept {
  Upstream& upstream = *p.upstream;
  const bool may = !is_leaving() && upstream.pool.is_newest(upstream.configuration);
  if (!may || !upstream.pool.lead_probes(self(), is_alive, now())) {
    drop(p);
    if (!may) upstream.pool.stop_probes(self());
    return;
  }
  if (p.memory != nullptr && is_outdated(p)) drop(p);
  if (p.memory == nullptr) begin(p);
  if (p.errand == &kProbing) tell_panic(upstream);
}

void drop_all() noexcept {
  for (Prober& p : probers) {
    drop(p);
    free_tls(p);
    p.upstream->pool.stop_probes(self());
  }
  if (!probers.empty()) ngx_free(probers.data());
  probers = {};
}

template <typename Visit>
void for_each_errand(const ngx_cycle_t& cycle, Visit visit) noexcept {
  for_each_upstream(cycle, [&](Upstream& u) noexcept {
    for (const Errand* errand : {&kProbing, &kScraping}) {
      if (errand->settings(u.config).is_on()) visit(u, *errand);
    }
  });
}

// Whose they are changes with each reload when there is no master.
void renew(const ngx_cycle_t& cycle) noexcept {
  if (cycle_of_probers == &cycle) return;
  drop_all();
  std::size_t n = 0;
  for_each_errand(cycle, [&](Upstream&, const Errand&) noexcept { ++n; });
  if (n != 0) {
    auto* memory = static_cast<Prober*>(ngx_alloc(n * sizeof(Prober), cycle.log));
    if (memory == nullptr) return;
    std::size_t i = 0;
    for_each_errand(cycle, [&](Upstream& u, const Errand& errand) noexcept {
      auto* p = new (&memory[i++]) Prober{};
      p->errand = &errand;
      p->upstream = &u;
    });
    probers = {memory, n};
  }
  cycle_of_probers = &cycle;
}

void on_turn(ngx_event_t* event) noexcept {
  event->log = ngx_cycle->log;
  renew(*const_cast<const ngx_cycle_t*>(ngx_cycle));
  for (Prober& p : probers) look(p);
  if (!is_leaving()) ngx_add_timer(event, kTurnMs);
}

}  // namespace

void start_probes(const ngx_cycle_t& cycle) noexcept {
  if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) return;
  renew(cycle);
  // Without a master a reload may bring the first, into a process that runs already.
  if (turn.timer_set || (probers.empty() && ngx_process != NGX_PROCESS_SINGLE)) return;
  nobody.fd = static_cast<ngx_socket_t>(-1);
  turn.data = &nobody;
  turn.handler = on_turn;
  turn.log = cycle.log;
  turn.cancelable = 1;  // a worker that shuts down does not wait for it
  ngx_add_timer(&turn, 1);
}

void stop_probes() noexcept { drop_all(); }

namespace {

char* refuse(ngx_conf_t* cf, const Status& status) noexcept {
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": %s", &words_of(cf)[0], status.message());
  return conf_error();
}

char* check_build(ngx_conf_t* cf, [[maybe_unused]] const ProbeSettings& settings) noexcept {
  [[maybe_unused]] const ngx_str_t* words = words_of(cf);
#if !LEASTWISE_PROBES_GRPC
  if (settings.kind == ProbeKind::kGrpc) {
    ngx_conf_log_error(
        NGX_LOG_EMERG, cf, 0,
        "\"%V\": \"grpc\" is not in this build: expected http or tcp, or a build with "
        "libnghttp2-dev installed",
        &words[0]);
    return conf_error();
  }
#endif
#if !(NGX_SSL)
  if (settings.tls) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": \"tls\" needs an nginx that is built with TLS: leave it out",
                       &words[0]);
    return conf_error();
  }
#endif
  return NGX_CONF_OK;
}

}  // namespace

char* check_probe(ngx_conf_t* cf, const Upstream& upstream) noexcept {
  if (const Status s = check(upstream.config.probe); !s.ok()) return refuse(cf, s);
  return check_build(cf, upstream.config.probe);
}

char* check_scrape(ngx_conf_t* cf, Upstream& upstream) noexcept {
  if (!upstream.config.scrape.is_on()) return NGX_CONF_OK;
  if (const Status s = complete(upstream.config.scrape); !s.ok()) return refuse(cf, s);
  return check_build(cf, upstream.config.scrape.ask);
}

}  // namespace leastwise::nginx
