#include "agent.h"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "admin/admin.h"
#include "balance/agent_check.h"
#include "balance/learner.h"
#include "balance/pick_handler.h"
#include "balance/shared_backends.h"
#include "serve/clock.h"
#include "serve/descriptors.h"
#include "serve/inherited_sockets.h"
#include "serve/server.h"
#include "serve/service_manager.h"
#include "serve/sockets.h"
#include "serve/spoe_protocol.h"
#include "serve/vitals.h"
#include "share/sharing.h"

namespace leastwise::agent {
namespace {

constexpr std::size_t kRingCapacity = 16384;
// Between two looks at our own threads: a round of theirs may take 100 ms.
constexpr Duration kLeastQuiet = std::chrono::milliseconds(200);
constexpr Duration kMostQuiet = std::chrono::seconds(5);

// Blocked in all threads, taken by sigwait() in one.
sigset_t block_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// What only a restart can change.
void warn_of_ignored(const AgentConfig& old, const AgentConfig& next) {
  const auto warn = [](bool differs, std::string_view name) {
    if (differs) log(LogLevel::kWarning, {name, ": changed, but needs a restart"});
  };
  const auto text = [](const std::optional<Address>& a) { return a ? a->text : ""; };
  warn(old.listen.text != next.listen.text, "listen");
  warn(text(old.feedback) != text(next.feedback), "feedback");
  warn(text(old.status) != text(next.status), "status");
  warn(text(old.agent_check) != text(next.agent_check), "agent_check");
  warn(old.state != next.state, "state");
  warn(old.share != next.share, "share");
  warn(old.share_tls != next.share_tls, "share_tls_…");
  warn(old.share_count != next.share_count, "share_count");
}

Fd listener(const Address& address, std::string_view directive, InheritedSockets& inherited) {
  Fd fd = inherited.take_listener(directive, address);
  return fd ? std::move(fd) : listen_on(address, directive);
}

Fd receiver(const std::optional<Address>& address, InheritedSockets& inherited) {
  if (!address) return {};
  Fd fd = inherited.take_receiver("feedback", *address);
  if (!fd) return receive_on(*address);
  prepare_to_receive(fd);
  return fd;
}

template <typename Part>
std::thread start_thread(const char* name, Part& part) {
  return std::thread([name, &part] {
    ::pthread_setname_np(::pthread_self(), name);
    part.run();
  });
}

class Agent {
 public:
  Agent(const AgentConfig& config, InheritedSockets& inherited)
      : config_(config),
        store_(config.state),
        registry_(config.backends, store_),
        ring_(kRingCapacity),
        feedback_(ring_, feedback_counters_),
        learner_(registry_, store_, feedback_, feedback_counters_, pick_counters_,
                 receiver(config.feedback, inherited), config.haproxy_socket),
        handler_(registry_, ring_, learner_.wake(), pick_counters_),
        protocol_(handler_, pick_counters_) {
    const std::size_t checks = config.agent_check ? kCheckConnections : 0;
    const std::size_t connections = connections_for_haproxy(raise_descriptor_limit(), checks);
    reserve_descriptors(connections + kStatusConnections + checks + kOwnDescriptors);
    if (config.listen.length > 0) {
      Fd fd = inherited.take_listener("listen", config.listen);
      owns_path_ = !fd;
      server_ = std::make_unique<Server>(fd ? std::move(fd) : listen_on(config.listen), protocol_,
                                         pick_counters_.connections,
                                         Server::Limits{.connections = connections});
    }
    if (config.agent_check) {
      check_ = std::make_unique<AgentCheck>(listener(*config.agent_check, "agent_check", inherited),
                                            learner_.answer_checks());
    }
    if (config.share) {
      shared_ = std::make_unique<SharedBackends>(registry_, config.share_count);
      sharing_ =
          std::make_unique<Sharing>(*shared_, share_counters_, *config.share, config.share_tls);
    }
    if (!config.status) return;
    admin_ = std::make_unique<Admin>(
        listener(*config.status, "status", inherited),
        StatusSources{registry_, learner_, pick_counters_, feedback_counters_,
                      config.share ? &share_counters_ : nullptr, share_error()},
        config.control_token);
  }

  void start() {
    vitals_.watch("learn", learner_.rounds());
    learning_ = start_thread("leastwise-learn", learner_);
    if (server_) {
      vitals_.watch("pick", server_->rounds());
      picking_ = start_thread("leastwise-pick", *server_);
    }
    if (admin_) {
      vitals_.watch("http", admin_->rounds());
      watching_ = start_thread("leastwise-http", *admin_);
    }
    if (check_) {
      vitals_.watch("check", check_->rounds());
      checking_ = start_thread("leastwise-check", *check_);
    }
    if (sharing_) sharing_thread_ = start_thread("leastwise-share", *sharing_);
    if (!server_) return;
    log(LogLevel::kInfo,
        {"listening on ", config_.listen.text, owns_path_ ? "" : ", a socket that was passed"});
  }

  void reload(const std::string& path) {
    trouble_.clear();
    try {
      AgentConfig next = read_config_file(path);
      warn_of_ignored(config_, next);
      set_log_level(next.log_level);
      if (admin_) admin_->set_control_token(next.control_token);
      const bool is_in_use = learner_.reload(std::move(next));
      log(LogLevel::kInfo, {"configuration read again", is_in_use ? "" : "; not in use yet"});
    } catch (const std::exception& error) {
      trouble_ = std::string(error.what()) + "; the old configuration stays";
      log(LogLevel::kError, {trouble_});
    }
  }

  // Whether all threads have made a round since the last call; says so when one has not.
  bool is_well() {
    const std::string hanging = vitals_.hanging();
    if (!hanging.empty()) {
      log(LogLevel::kError, {"hanging: ", hanging, " (no round since the last look)"});
    }
    return hanging.empty();
  }

  // One line.
  std::string summary() const {
    if (!trouble_.empty()) return trouble_;
    std::size_t servers = 0;
    const std::vector<Registry::Snapshot> pools = registry_.pools();
    for (const Registry::Snapshot& s : pools) servers += s.pool.view().endpoints;
    std::string text = "backends: " + std::to_string(pools.size()) +
                       ", servers: " + std::to_string(servers) + "; HAProxy ";
    const HaproxyView haproxy = learner_.haproxy();
    text += !haproxy.is_configured ? "is not asked"
            : !haproxy.is_stale    ? "answers"
            : haproxy.last_answer == TimePoint{} && haproxy.error.empty()
                ? "is not asked yet"
                : "gives no answer: " + haproxy.error;
    if (sharing_ && !sharing_->error().empty()) text += "; sharing: " + sharing_->error();
    for (const LearningWatch::Warning& w : learner_.warnings()) text += "; " + w.text;
    return text;
  }

  // In this order: whoever fills a ring ends before the one who empties it.
  void stop() {
    if (server_) {
      server_->stop();
      picking_.join();
      if (owns_path_) remove_socket_file(config_.listen);
    }
    // After it HAProxy hears its configured weights, and no check may say otherwise.
    if (check_) {
      check_->stop();
      checking_.join();
    }
    if (sharing_) {
      sharing_->stop();
      sharing_thread_.join();
    }
    learner_.stop();
    learning_.join();
    if (admin_) admin_->stop();
    if (watching_.joinable()) watching_.join();
    log(LogLevel::kInfo, {"stopped"});
  }

 private:
  std::function<std::string()> share_error() const {
    if (!sharing_) return {};
    return [sharing = sharing_.get()] { return sharing->error(); };
  }

  const AgentConfig config_;
  PickCounters pick_counters_;
  FeedbackCounters feedback_counters_;
  ShareCounters share_counters_;
  StateStore store_;
  Registry registry_;
  TicketRing ring_;
  Feedback feedback_;
  Learner learner_;
  PickHandler handler_;
  SpoeProtocol protocol_;
  std::unique_ptr<Server> server_;  // none if nobody picks
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<AgentCheck> check_;  // none if no server has an agent-check that asks here
  std::unique_ptr<SharedBackends> shared_;
  std::unique_ptr<Sharing> sharing_;  // none without `share`
  std::thread picking_, learning_, watching_, checking_, sharing_thread_;
  Vitals vitals_;
  std::string trouble_;    // of the last reload
  bool owns_path_ = true;  // of the socket that HAProxy asks at
};

// 0 when none came until then.
int next_signal(const sigset_t& signals, TimePoint until) noexcept {
  const auto us = std::max(until - now(), Duration::zero()).count();
  const timespec time = {.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000};
  return std::max(::sigtimedwait(&signals, nullptr, &time), 0);
}

// Three looks within the time that the watchdog grants, so that one that comes late costs nothing.
// Nobody listens: now and then, for the log.
Duration beat_of(const ServiceManager& manager) {
  return std::clamp(manager.watchdog().value_or(kMostQuiet) / 3, kLeastQuiet, kMostQuiet);
}

void serve(Agent& agent, const std::string& config_path, const sigset_t& signals) {
  ServiceManager manager;
  manager.ready(agent.summary());
  const Duration beat = beat_of(manager);
  for (TimePoint next = now() + beat;;) {
    const int signal = next_signal(signals, next);
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP) {
      manager.reloading();
      agent.reload(config_path);
      manager.ready(agent.summary());
    }
    if (now() < next) continue;
    next = now() + beat;
    if (!agent.is_well()) continue;
    manager.is_alive();
    manager.show(agent.summary());
  }
  manager.stopping();
}

}  // namespace

int run_agent(const std::string& config_path, const AgentConfig& config) {
  const sigset_t signals = block_signals();
  set_log_level(config.log_level);
  InheritedSockets inherited;
  const auto agent = std::make_unique<Agent>(config, inherited);
  inherited.expect_none();
  agent->start();
  serve(*agent, config_path, signals);
  agent->stop();
  return 0;
}

}  // namespace leastwise::agent
