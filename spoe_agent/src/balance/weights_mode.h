// WeightsMode: the backends of `mode weights`, steered by HAProxy's own weights. Belongs to the
// learning thread, but for view().
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_WEIGHTS_MODE_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_WEIGHTS_MODE_H_

#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "balance/learning_watch.h"
#include "balance/registry.h"
#include "balance/weight_answers.h"
#include "balance/weight_memory.h"
#include "haproxy/runtime_client.h"
#include "serve/counters.h"
#include "steer/steering.h"

namespace leastwise::agent {

class WeightsMode {
 public:
  WeightsMode(const Registry& registry, StateStore& store, FeedbackCounters& counters)
      : registry_(registry), store_(store), counters_(counters) {}

  using Commands = std::vector<std::string>;

  // After a round: commands for HAProxy, those of `pid`.
  Commands on_servers(const std::vector<BackendInfo>& backends, std::uint32_t pid, TimePoint now);

  // HAProxy heard so many commands.
  void on_told(std::size_t commands, std::span<const RuntimeClient::Refusal> refused);

  // The configured weights, for backends that are of this mode no more.
  Commands give_back_what_left();
  // For all, at the end.
  Commands give_back_all();

  // Servers may be told their weights by agent-checks, too. Before the first round.
  WeightAnswers& answer_checks() noexcept {
    has_checks_ = true;
    return answers_;
  }

  struct View {
    std::string backend;
    std::vector<Steering::View> servers;
  };
  std::vector<View> view() const;  // by any thread

  // Why a backend is not steered, and what to do, for as long as it is so; logged when it begins
  // and when it is over. By any thread.
  std::vector<LearningWatch::Warning> warnings() const;

 private:
  bool is_ours(const std::string& backend) const;
  void note_who_asks(BackendInfo& info, TimePoint now) const;
  void judge(const std::string& backend, const Steering& steering, TimePoint now);
  std::string obstacle_words(const std::string& backend, const std::string& server) const;
  void complain_of_stranger(TimePoint now);
  void complain(const std::string& backend, const std::string& reason);
  void complain_of_missing(const std::vector<BackendInfo>& infos);
  void withdraw(const std::string& backend);
  void show();
  Steering& steering_of(const BackendInfo& info, std::uint32_t pid);

  const Registry& registry_;
  StateStore& store_;
  FeedbackCounters& counters_;
  // The first check of a server comes within its agent-inter, 2 s by default.
  static constexpr Duration kFirstCheck = std::chrono::seconds(5);

  WeightAnswers answers_;
  bool has_checks_ = false;
  std::string stranger_;                         // that was complained of
  std::map<std::string, TimePoint> obstructed_;  // since when
  std::map<std::string, Steering> backends_;
  std::map<std::string, WeightMemory> memory_;
  std::map<std::string, std::string> complaints_;  // what was said of each, until it is over
  mutable std::mutex mutex_;
  std::vector<View> view_;
  std::vector<LearningWatch::Warning> warnings_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_WEIGHTS_MODE_H_
