// Steering: the weights of one backend of HAProxy, for `mode weights`.
//
// A server gets its configured weight times (pool's answer time / its own) to the power of 2.5, as
// far as the difference is beyond chance and there is evidence; less when it fails more than the
// others. Weights move a part of the way each time, at most to half or by a quarter up; no server
// gets less than 1/64 of the best one's share, nobody is taken out, and what is 0 stays 0.
// Configured weights are those of HAProxy's configuration, or what somebody set by hand since. See
// ADR 27.
//
// A server whose agent-check asks us for its weight gets no command: view() has what to answer.
//
// Pure: what HAProxy says comes in, commands for its runtime API come out. Not thread safe.
#ifndef LEASTWISE_SPOE_AGENT_STEER_STEERING_H_
#define LEASTWISE_SPOE_AGENT_STEER_STEERING_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "haproxy/runtime_api.h"
#include "leastwise/clock.h"
#include "steer/history.h"

namespace leastwise::agent {

class Steering {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(400);  // at least, between changes
  static constexpr std::uint32_t kMostWeight = 256;                    // HAProxy's

  // What HAProxy says now, and which process said it: commands that bring its weights to where they
  // belong, mostly few or none.
  std::vector<std::string> on_servers(const BackendInfo& backend, std::uint32_t pid, TimePoint now);

  // Commands that give all servers their configured weights back. Nothing is steered by them.
  std::vector<std::string> give_back(const std::string& backend);

  // HAProxy refuses to have weights set: nothing more is said until another process answers.
  void pause() noexcept { is_paused_ = true; }
  bool is_paused() const noexcept { return is_paused_; }

  // Why nothing is steered though it was asked for; empty: it is.
  const std::string& obstacle() const noexcept { return obstacle_; }

  struct View {
    std::string server;
    std::uint32_t weight = 0, configured = 0;
    double factor = 1;       // of its share, beside the others'
    double answer_ms = 0;    // 0: unknown
    double failures = 0;     // share
    std::uint32_t told = 0;  // 0: never
  };
  std::vector<View> view() const;

  // What view() said of a server in an earlier run, of the same process. Before on_servers().
  void recall(const View& server, std::uint32_t pid);

 private:
  struct Server {
    History history;
    std::uint32_t configured = 1;
    std::uint32_t seen = 0;  // the weight in the last answer
    std::uint32_t told = 0;  // 0: never
    double merit = 0;        // logarithm of the factor
    bool is_here = false;
    bool asks_us = false;
  };

  void begin(std::uint32_t pid) noexcept;
  void learn(const BackendInfo& backend, TimePoint now);
  void note_weight(Server& server, const ServerInfo& info) noexcept;
  void judge() noexcept;
  double merit_of(const Server& server, double pool_log_ms, double usual_failures) const noexcept;
  double usual_failures() const;
  std::vector<std::string> changes(const std::string& backend);

  std::map<std::string, Server> servers_;
  std::uint32_t pid_ = 0;
  bool is_paused_ = false;
  bool has_told_ = false;
  bool has_evidence_ = false;  // since the start: before, nothing is judged
  std::string obstacle_;
  TimePoint next_{};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_STEER_STEERING_H_
