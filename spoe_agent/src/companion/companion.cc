#include "companion/companion.h"

#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "companion/pool.h"
#include "drive/haproxy.h"
#include "drive/nginx.h"
#include "serve/clock.h"
#include "serve/fd.h"
#include "serve/log.h"
#include "serve/service_manager.h"
#include "serve/sockets.h"

namespace leastwise::companion {
namespace {

using agent::log;
using agent::LogLevel;
using discovery::kubernetes::Access;
using discovery::kubernetes::ServiceName;
using discovery::kubernetes::ServiceWatch;

constexpr Duration kLongestWait = std::chrono::seconds(1);

// Readable when the process is to end.
agent::Fd take_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT}) sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  agent::Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw std::runtime_error(agent::with_errno("signalfd"));
  return fd;
}

Access access_of(const CompanionConfig& config) {
  return config.kubeconfig.empty() ? discovery::kubernetes::access_of_pod()
                                   : discovery::kubernetes::access_of_kubeconfig(config.kubeconfig);
}

std::string_view word_of(Kind kind) {
  return std::ranges::find(pool_kinds(), kind, &KindWords::kind)->name;
}

class Companion {
 public:
  explicit Companion(const CompanionConfig& config) {
    for (const PoolConfig& pool : config.pools) {
      pools_.push_back(
          std::make_unique<PoolKeeper>(std::string(word_of(pool.kind)) + ' ' + pool.name,
                                       source_for(pool, config), driver_for(pool, config)));
    }
  }

  // One round: what is due is done, then whatever comes first is waited for.
  void round(std::vector<pollfd>& others) {
    const TimePoint now = agent::now();
    TimePoint next = now + kLongestWait;
    for (const auto& pool : pools_) next = std::min(next, pool->poll(now));
    const std::size_t before = others.size();
    std::vector<PoolKeeper*> owners;
    for (const auto& pool : pools_) {
      pool->source().add_descriptors(others);
      pool->driver().add_descriptors(others);
      owners.resize(others.size() - before, pool.get());
    }
    transfers_.wait(std::max(next - now, Duration::zero()), others);
    const TimePoint then = agent::now();
    for (std::size_t i = 0; i < owners.size(); ++i) {
      const pollfd& fd = others[before + i];
      if (fd.revents == 0) continue;
      owners[i]->source().on_ready(fd, then);
      owners[i]->driver().on_ready(fd, then);
    }
  }

  // One line.
  std::string summary() const {
    std::size_t servers = 0, troubled = 0;
    for (const auto& pool : pools_) {
      servers += pool->driver().figures().servers;
      if (!pool->source().is_current() || !pool->driver().trouble().empty()) ++troubled;
    }
    std::string text =
        "pools: " + std::to_string(pools_.size()) + ", servers: " + std::to_string(servers);
    if (troubled > 0) text += "; in trouble: " + std::to_string(troubled);
    return text;
  }

 private:
  std::unique_ptr<discovery::Source> source_for(const PoolConfig& pool,
                                                const CompanionConfig& config) {
    if (const auto* name = std::get_if<discovery::dns::Name>(&pool.source)) {
      return std::make_unique<discovery::dns::NameWatch>(*name);
    }
    if (!access_) access_ = access_of(config);
    return std::make_unique<ServiceWatch>(std::get<ServiceName>(pool.source), *access_, transfers_);
  }

  std::unique_ptr<drive::Driver> driver_for(const PoolConfig& pool, const CompanionConfig& config) {
    if (pool.kind == Kind::kBackend) {
      return std::make_unique<drive::HaproxyDriver>(*config.haproxy_socket, pool.name);
    }
    return std::make_unique<drive::NginxDriver>(
        drive::NginxUpstream{.socket = config.nginx_socket,
                             .is_stream = pool.kind == Kind::kStream,
                             .name = pool.name},
        transfers_);
  }

  std::optional<Access> access_;  // once it is needed
  net::Transfers transfers_;      // outlives those who use it
  std::vector<std::unique_ptr<PoolKeeper>> pools_;
};

}  // namespace

int run_companion(const CompanionConfig& config) {
  agent::set_log_level(config.log_level);
  const agent::Fd signals = take_signals();
  Companion companion(config);
  agent::ServiceManager manager;
  manager.ready(companion.summary());
  log(LogLevel::kInfo, {"started; ", companion.summary()});
  for (;;) {
    std::vector<pollfd> fds = {{.fd = signals.get(), .events = POLLIN, .revents = 0}};
    companion.round(fds);
    if (fds.front().revents != 0) break;
    manager.is_alive();
    manager.show(companion.summary());
  }
  manager.stopping();
  log(LogLevel::kInfo, {"stopped; the proxies keep the servers that they have"});
  return 0;
}

}  // namespace leastwise::companion
