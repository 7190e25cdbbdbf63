// Learner: the agent's second thread. It takes HAProxy's log lines in, asks the runtime API for
// the servers, finishes what is overdue, and runs the pools' slow half.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_LEARNER_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_LEARNER_H_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "balance/feedback.h"
#include "balance/learning_watch.h"
#include "balance/registry.h"
#include "balance/state_store.h"
#include "balance/weights_mode.h"
#include "config/file.h"
#include "haproxy/count_reader.h"
#include "haproxy/datagrams.h"
#include "haproxy/runtime_client.h"
#include "serve/counters.h"
#include "serve/log.h"

namespace leastwise::agent {

// What is known of HAProxy itself, for the status page.
struct HaproxyView {
  bool is_configured = false;
  bool is_stale = true;  // no good answer for kStale: servers are as they were then
  TimePoint last_answer{};
  std::uint32_t pid = 0;  // 0: never answered
  std::string error;
};

class Learner {
 public:
  static constexpr Duration kStale = std::chrono::seconds(3);

  // `feedback` may be empty: nothing is learned then. Throws std::runtime_error.
  Learner(Registry& registry, StateStore& store, Feedback& feedback, FeedbackCounters& counters,
          const PickCounters& picks, Fd socket, std::optional<Address> haproxy_socket);

  // For the pick thread, when picks wait to be taken over.
  const Fd& wake() const noexcept { return wake_; }

  void run() noexcept;

  // By any thread. stop() after the pick thread has ended: whatever is open is cancelled then.
  void stop() noexcept;
  // Waits until it goes by the new one, but not for long: false when it does not yet.
  bool reload(AgentConfig config);
  // Ten a second at least, until stop().
  const Counter& rounds() const noexcept { return rounds_; }
  HaproxyView haproxy() const;
  std::vector<LearningWatch::Warning> warnings() const;  // of picks and of weights
  const WeightsMode& weights() const noexcept { return weights_; }
  // For the port of agent-checks. Before run().
  WeightAnswers& answer_checks() noexcept { return weights_.answer_checks(); }

 private:
  void wait(Duration most) noexcept;
  void round();
  void receive() noexcept;
  void keep_time();
  void ask_about_ours(std::optional<Address> haproxy_socket);
  void ask_haproxy();
  void note_process();
  void tell(std::vector<std::string> commands);
  void give_weights_back();
  void read_counts();
  void ask_for_counts(const std::vector<BackendInfo>& infos);
  void on_servers(const std::vector<BackendInfo>& backends);
  void report(bool answered);
  void apply_reload();
  void finish_all();

  Registry& registry_;
  StateStore& store_;
  Feedback& feedback_;
  FeedbackCounters& counters_;
  std::optional<Datagrams> datagrams_;
  Fd wake_;
  RuntimeClient runtime_;
  LearningWatch watch_;
  WeightsMode weights_;
  bool runtime_is_ready_ = false;
  std::optional<Address> haproxy_socket_;
  CountReader count_reader_;
  bool counts_are_ready_ = false;
  bool has_datagrams_ = false;
  TimePoint now_{};
  TimePoint next_beat_{};
  TimePoint next_tick_{};
  Throttle may_complain_{std::chrono::seconds(60)};
  bool was_lost_ = false;
  std::atomic<bool> stopping_{false};
  Counter rounds_;
  mutable std::mutex mutex_;  // of those below; never taken by the pick thread
  std::condition_variable applied_;
  std::optional<AgentConfig> next_config_;
  bool is_applying_ = false;
  HaproxyView haproxy_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_LEARNER_H_
