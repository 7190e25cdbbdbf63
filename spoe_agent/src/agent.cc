#include "agent.h"

#include <csignal>
#include <exception>
#include <memory>
#include <thread>

#include "admin/admin.h"
#include "balance/learner.h"
#include "balance/pick_handler.h"
#include "serve/descriptors.h"
#include "serve/server.h"
#include "serve/sockets.h"
#include "serve/spoe_protocol.h"

namespace leastwise::agent {
namespace {

constexpr std::size_t kRingCapacity = 16384;

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
  warn(old.state != next.state, "state");
}

class Agent {
 public:
  explicit Agent(const AgentConfig& config)
      : config_(config),
        store_(config.state),
        registry_(config.backends, store_),
        ring_(kRingCapacity),
        feedback_(ring_, feedback_counters_),
        learner_(registry_, store_, feedback_, feedback_counters_, pick_counters_,
                 config.feedback ? receive_on(*config.feedback) : Fd(), config.haproxy_socket),
        handler_(registry_, ring_, learner_.wake(), pick_counters_),
        protocol_(handler_, pick_counters_) {
    const std::size_t connections = connections_for_haproxy(raise_descriptor_limit());
    reserve_descriptors(connections + kStatusConnections + kOwnDescriptors);
    if (config.listen.length > 0) {
      server_ =
          std::make_unique<Server>(listen_on(config.listen), protocol_, pick_counters_.connections,
                                   Server::Limits{.connections = connections});
    }
    if (!config.status) return;
    admin_ = std::make_unique<Admin>(
        *config.status, StatusSources{registry_, learner_, pick_counters_, feedback_counters_});
  }

  void start() {
    learning_ = std::thread([this] { learner_.run(); });
    if (server_) picking_ = std::thread([this] { server_->run(); });
    if (admin_) watching_ = std::thread([this] { admin_->run(); });
    if (server_) log(LogLevel::kInfo, {"listening on ", config_.listen.text});
  }

  void reload(const std::string& path) {
    try {
      AgentConfig next = read_config_file(path);
      warn_of_ignored(config_, next);
      set_log_level(next.log_level);
      learner_.reload(std::move(next));
      log(LogLevel::kInfo, {"configuration read again"});
    } catch (const std::exception& error) {
      log(LogLevel::kError, {error.what(), "; the old configuration stays"});
    }
  }

  // In this order: whoever fills a ring ends before the one who empties it.
  void stop() {
    if (server_) {
      server_->stop();
      picking_.join();
      remove_socket_file(config_.listen);
    }
    learner_.stop();
    learning_.join();
    if (admin_) admin_->stop();
    if (watching_.joinable()) watching_.join();
    log(LogLevel::kInfo, {"stopped"});
  }

 private:
  const AgentConfig config_;
  PickCounters pick_counters_;
  FeedbackCounters feedback_counters_;
  StateStore store_;
  Registry registry_;
  TicketRing ring_;
  Feedback feedback_;
  Learner learner_;
  PickHandler handler_;
  SpoeProtocol protocol_;
  std::unique_ptr<Server> server_;  // none if nobody picks
  std::unique_ptr<Admin> admin_;
  std::thread picking_, learning_, watching_;
};

}  // namespace

int run_agent(const std::string& config_path, const AgentConfig& config) {
  const sigset_t signals = block_signals();
  set_log_level(config.log_level);
  const auto agent = std::make_unique<Agent>(config);
  agent->start();
  for (int signal = 0; sigwait(&signals, &signal) == 0;) {
    if (signal != SIGHUP) break;
    agent->reload(config_path);
  }
  agent->stop();
  return 0;
}

}  // namespace leastwise::agent
