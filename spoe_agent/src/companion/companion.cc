#include "companion/companion.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "companion/metrics.h"
#include "companion/nginx_sharing.h"
#include "companion/pool.h"
#include "companion/status_port.h"
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

// Readable when one came.
agent::Fd take_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  agent::Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw std::runtime_error(agent::with_errno("signalfd"));
  return fd;
}

// 0: none.
int next_signal(const agent::Fd& signals) noexcept {
  signalfd_siginfo info{};
  return ::read(signals.get(), &info, sizeof(info)) == sizeof(info)
             ? static_cast<int>(info.ssi_signo)
             : 0;
}

// None unless something is discovered there. The files are read anew each time.
std::optional<Access> access_of(const CompanionConfig& config) {
  const bool is_needed = std::ranges::any_of(config.pools, [](const PoolConfig& pool) {
    return std::holds_alternative<ServiceName>(pool.source);
  });
  if (!is_needed) return std::nullopt;
  return config.kubeconfig.empty() ? discovery::kubernetes::access_of_pod()
                                   : discovery::kubernetes::access_of_kubeconfig(config.kubeconfig);
}

std::string text_of(const std::optional<agent::Address>& address) {
  return address ? address->text : "";
}

// What only a restart can change.
void warn_of_ignored(const CompanionConfig& old, const CompanionConfig& next) {
  const auto warn = [](bool differs, std::string_view name) {
    if (differs) log(LogLevel::kWarning, {name, ": changed, but needs a restart"});
  };
  warn(text_of(old.status) != text_of(next.status), "status");
  warn(old.share != next.share, "share");
  warn(old.share_tls != next.share_tls, "share_tls_…");
  warn(old.share_count != next.share_count, "share_count");
  warn(next.share && old.nginx_socket != next.nginx_socket, "share: nginx_socket");
}

class Companion {
 public:
  explicit Companion(const CompanionConfig& config) : started_(config) {
    configure(config);
    if (config.status) status_ = std::make_unique<StatusPort>(*config.status);
    if (!config.share) return;
    sharing_ = std::make_unique<NginxSharing>(config.nginx_socket, *config.share, config.share_tls,
                                              config.share_count);
  }

  // Pools that are as they were go on as they are. Throws std::runtime_error, and changes nothing.
  void configure(const CompanionConfig& config) {
    std::optional<Access> access = access_of(config);
    const bool is_alike = access == access_ && config.zone == config_.zone &&
                          config.agent == config_.agent &&
                          config.nginx_socket == config_.nginx_socket &&
                          text_of(config.haproxy_socket) == text_of(config_.haproxy_socket);
    std::vector<std::unique_ptr<PoolKeeper>> next(config.pools.size());
    for (std::size_t i = 0; i < next.size(); ++i) {
      const PoolConfig& pool = config.pools[i];
      if (is_alike && find(pool) != pools_.end()) continue;
      next[i] = std::make_unique<PoolKeeper>(pool, source_for(pool, config, access),
                                             driver_for(pool, config));
    }
    for (std::size_t i = 0; i < next.size(); ++i) {
      if (!next[i]) next[i] = std::move(*find(config.pools[i]));
    }
    pools_ = std::move(next);
    access_ = std::move(access);
    config_ = config;
  }

  void reload(const std::string& path) {
    try {
      const CompanionConfig config = read_companion_file(path);
      configure(config);
      agent::set_log_level(config.log_level);
      warn_of_ignored(started_, config);
      ++reloads_;
      log(LogLevel::kInfo, {"configuration read again; ", summary()});
    } catch (const std::exception& error) {
      ++failed_reloads_;
      log(LogLevel::kError, {error.what(), "; the old configuration stays"});
    }
    shown_ = {};
  }

  // One round: what is due is done, then whatever comes first is waited for.
  void round(std::vector<pollfd>& others) {
    const TimePoint now = agent::now();
    TimePoint next = now + kLongestWait;
    for (const auto& pool : pools_) next = std::min(next, pool->poll(now));
    show(now);
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
    const std::string of_sharing = sharing_ ? sharing_->trouble() : "";
    if (!of_sharing.empty()) text += "; sharing: " + of_sharing;
    return text;
  }

 private:
  using Pools = std::vector<std::unique_ptr<PoolKeeper>>;

  Pools::iterator find(const PoolConfig& config) {
    return std::ranges::find_if(pools_,
                                [&](const auto& pool) { return pool && pool->config() == config; });
  }

  // Once in kLongestWait: nobody reads them more often.
  void show(TimePoint now) {
    if (!status_ || now - shown_ < kLongestWait) return;
    shown_ = now;
    Figures figures{.pools = {}, .reloads = reloads_, .failed_reloads = failed_reloads_};
    if (sharing_) figures.share = sharing_->figures();
    for (const auto& pool : pools_) figures.pools.push_back(pool->figures(now));
    status_->show(std::move(figures));
  }

  std::unique_ptr<discovery::Source> source_for(const PoolConfig& pool,
                                                const CompanionConfig& config,
                                                const std::optional<Access>& access) {
    if (const auto* name = std::get_if<discovery::dns::Name>(&pool.source)) {
      return std::make_unique<discovery::dns::NameWatch>(*name);
    }
    return std::make_unique<ServiceWatch>(std::get<ServiceName>(pool.source), *access, config.zone,
                                          transfers_);
  }

  std::unique_ptr<drive::Driver> driver_for(const PoolConfig& pool, const CompanionConfig& config) {
    if (pool.kind == Kind::kBackend) {
      const bool tells = !config.zone.empty() && !config.agent.address.empty();
      return std::make_unique<drive::HaproxyDriver>(
          *config.haproxy_socket, pool.name,
          tells ? std::make_unique<drive::AgentZones>(config.agent, pool.name, transfers_)
                : nullptr);
    }
    return std::make_unique<drive::NginxDriver>(
        drive::NginxUpstream{.socket = config.nginx_socket,
                             .is_stream = pool.kind == Kind::kStream,
                             .name = pool.name},
        transfers_);
  }

  CompanionConfig config_;
  std::optional<Access> access_;  // if it is needed
  net::Transfers transfers_;      // outlives those who use it
  Pools pools_;
  const CompanionConfig started_;
  std::unique_ptr<StatusPort> status_;
  std::unique_ptr<NginxSharing> sharing_;
  TimePoint shown_{};
  std::uint64_t reloads_ = 0, failed_reloads_ = 0;
};

// False when the process is to end.
bool heed(const agent::Fd& signals, const std::string& path, Companion& companion,
          agent::ServiceManager& manager) {
  for (;;) {
    const int signal = next_signal(signals);
    if (signal == 0) return true;
    if (signal != SIGHUP) return false;
    manager.reloading();
    companion.reload(path);
    manager.ready(companion.summary());
  }
}

}  // namespace

int run_companion(const std::string& path, const CompanionConfig& config) {
  agent::set_log_level(config.log_level);
  const agent::Fd signals = take_signals();
  Companion companion(config);
  agent::ServiceManager manager;
  manager.ready(companion.summary());
  log(LogLevel::kInfo, {"started; ", companion.summary()});
  while (heed(signals, path, companion, manager)) {
    std::vector<pollfd> fds = {{.fd = signals.get(), .events = POLLIN, .revents = 0}};
    companion.round(fds);
    manager.is_alive();
    manager.show(companion.summary());
  }
  manager.stopping();
  log(LogLevel::kInfo, {"stopped; the proxies keep the servers that they have"});
  return 0;
}

}  // namespace leastwise::companion
