// RuntimeClient: asks HAProxy's runtime API over a connection that stays open, without waiting.
//
// A round asks who answers, for the states, and for the figures of some of our backends, then of
// the next ones; in between commands may be told. The connection is interactive ("prompt"): HAProxy
// puts a prompt behind each answer, since 3.2 behind the answers to a line of commands, by which we
// know that they are whole. An HAProxy that was reloaded keeps its old process for those who stay
// connected, so whoever says that it is stopping is left at once. The learning thread polls
// descriptor() and calls on_ready(); a socket that is gone, stuck or talks garbage costs a round,
// and the next ones come less often until one is answered.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_CLIENT_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_CLIENT_H_

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/address.h"
#include "haproxy/runtime_api.h"
#include "leastwise/clock.h"
#include "serve/fd.h"

namespace leastwise::agent {

class RuntimeClient {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(500);
  static constexpr Duration kLongestPause = std::chrono::seconds(4);  // while nobody answers
  static constexpr Duration kPatience = std::chrono::seconds(2);
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  // Of one request: HAProxy's own buffer has 16 KiB, unless it is told otherwise.
  static constexpr std::size_t kMostAsked = 4096;

  // Whom to ask, and about which backends. Ends the round.
  void ask(std::optional<Address> address, std::vector<std::string> backends);
  bool is_configured() const noexcept { return address_.has_value(); }

  // Commands, one after the other as soon as no round is under way. What is not told yet is
  // replaced: who tells them looks in the next round whether they took effect.
  void tell(std::vector<std::string> commands) { told_ = std::move(commands); }
  bool is_telling() const noexcept { return !told_.empty(); }  // some are to be told yet

  // The next round is due as soon as none is under way, unless nobody answers.
  void hurry() noexcept {
    if (fd_) next_ = {};
  }

  // Starts a round when one is due, gives up a request that takes too long. True if there is a
  // new error().
  bool poll(TimePoint now);

  // The socket, -1 if there is none, and what to wait for (poll(2)).
  int descriptor() const noexcept { return fd_.get(); }
  short events() const noexcept;

  struct Refusal {
    std::string command, reason;
  };
  // kAnswered: the round is complete, take() has the servers. kTold: commands were heard, and
  // refused() has what HAProxy had against them.
  enum class Progress : std::uint8_t { kGoesOn, kAnswered, kTold, kFailed };
  Progress on_ready(TimePoint now);
  std::vector<BackendInfo> take() noexcept { return std::move(backends_); }
  const ProcessInfo& process() const noexcept { return process_; }  // who answered last
  std::size_t told() const noexcept { return telling_.size(); }     // commands heard last
  std::span<const Refusal> refused() const noexcept { return refused_; }

  const std::string& error() const noexcept { return error_; }  // of the last attempt, or empty

 private:
  enum class Phase : std::uint8_t { kIdle, kGreeting, kStates, kFigures, kTelling };
  enum class Received : std::uint8_t { kSome, kAll, kClosed, kFailed };

  bool begin(Phase phase, std::string request, TimePoint now);
  bool begin_round(TimePoint now);
  bool begin_states(TimePoint now);
  bool begin_telling(TimePoint now);
  bool send_request() noexcept;
  Received receive();
  void drop_prompts(std::size_t begin);
  Progress on_closed();
  Progress on_reply(TimePoint now);
  Progress on_states(TimePoint now);
  Progress on_figures(TimePoint now);
  Progress go_on(bool began) const noexcept;
  Progress fail(std::string error);
  void note_refusals();
  bool is_master() const noexcept;
  std::string reason_of_reply() const;

  std::optional<Address> address_;
  std::vector<std::string> names_;
  std::size_t asked_ = 0;   // of names_, in this round, before the running request
  std::size_t asking_ = 0;  // about so many more the running request is
  Phase phase_ = Phase::kIdle;
  Fd fd_;
  std::size_t sent_ = 0;               // of request_
  std::size_t awaited_ = 0;            // prompts
  bool is_prompted_per_line_ = false;  // not per command; the greeting shows it
  std::string request_;
  std::string reply_;  // without the prompts
  std::string error_;
  ProcessInfo process_;
  std::vector<std::string> told_;
  std::vector<std::string> telling_;  // those of the running request
  std::vector<Refusal> refused_;
  std::vector<BackendInfo> some_;      // those of the running request
  std::vector<BackendInfo> backends_;  // those of the round
  Duration pause_ = kPeriod;
  TimePoint now_{};  // of the last call: when a failure is tried again counts from it
  TimePoint next_{};
  TimePoint deadline_{};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_CLIENT_H_
