// WeightAnswers: what agent-checks of HAProxy are answered in `mode weights`, by the name that they
// send: "BACKEND/SERVER". The learning thread says what; the thread of agent_check answers.
//
// A weight is told as a percentage of the configured one, which is all that 2.6 takes; it may be of
// thousands of per cent, so that a server of weight 1 can be given each of HAProxy's 256 steps.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_WEIGHT_ANSWERS_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_WEIGHT_ANSWERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/clock.h"
#include "steer/steering.h"

namespace leastwise::agent {

class WeightAnswers {
 public:
  // Who has not asked for so long is told its weight in another way. HAProxy's default is 2 s.
  static constexpr Duration kAsksAgain = std::chrono::seconds(60);
  // Of an endless line, and of a HAProxy that makes up names.
  static constexpr std::size_t kMostName = 512, kMostStrangers = 100;

  // ---- the learning thread

  // All of a backend's; none: nothing is steered there any more.
  void set(const std::string& backend, const std::vector<Steering::View>& servers);
  bool asks(const std::string& backend, const std::string& server, TimePoint now) const;

  // ---- the thread of agent_check

  // The line to answer. To a name that is not ours, the configured weight; before HAProxy's servers
  // are known, nothing that changes anything.
  std::string answer(std::string_view name, TimePoint now);
  bool is_known(std::string_view name) const;

  // ---- by any thread

  // A name that was asked about lately and is none of ours; empty: there is none.
  std::string stranger(TimePoint now) const;

 private:
  struct Server {
    std::uint32_t percent = 100;
    TimePoint asked{};
  };
  using Times = std::map<std::string, TimePoint, std::less<>>;

  mutable std::mutex mutex_;
  bool is_ready_ = false;
  std::map<std::string, Server, std::less<>> servers_;
  Times strangers_;
};

// Of the configured weight, so that HAProxy, which rounds down, comes to `weight`.
std::uint32_t percent_of(std::uint32_t weight, std::uint32_t configured) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_WEIGHT_ANSWERS_H_
