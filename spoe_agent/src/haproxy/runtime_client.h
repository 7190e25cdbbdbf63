// RuntimeClient: asks HAProxy's runtime API, without waiting for it.
//
// A round asks for the states and then the limits of some of our backends, then of the next ones,
// each request on a connection of its own, one at a time. The learning thread polls descriptor()
// and calls on_ready(); a socket that is gone, stuck or talks garbage costs a round, nothing more.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_CLIENT_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_CLIENT_H_

#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "haproxy/runtime_api.h"
#include "leastwise/clock.h"
#include "serve/fd.h"

namespace leastwise::agent {

class RuntimeClient {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(500);
  static constexpr Duration kPatience = std::chrono::seconds(2);
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  // Of one request: HAProxy's own buffer has 16 KiB, unless it is told otherwise.
  static constexpr std::size_t kMostAsked = 4096;

  // Whom to ask, and about which backends. Ends the round.
  void ask(std::optional<Address> address, std::vector<std::string> backends);
  bool is_configured() const noexcept { return address_.has_value(); }

  // Starts a round when one is due, gives up a request that takes too long. True if there is a
  // new error().
  bool poll(TimePoint now);

  // The socket of the running request, -1 if there is none, and what to wait for (poll(2)).
  int descriptor() const noexcept { return fd_.get(); }
  short events() const noexcept;

  enum class Progress : std::uint8_t { kGoesOn, kAnswered, kFailed };
  // The descriptor is ready. kAnswered: the round is complete, take() has the servers.
  Progress on_ready(TimePoint now);
  std::vector<BackendInfo> take() noexcept { return std::move(backends_); }

  const std::string& error() const noexcept { return error_; }  // of the last attempt, or empty

 private:
  enum class Received : std::uint8_t { kSome, kAll, kFailed };

  bool begin(std::string request, TimePoint now);
  bool begin_states(TimePoint now);
  bool send_request() noexcept;
  Received receive();
  Progress on_reply(TimePoint now);
  Progress go_on(bool began) const noexcept;
  Progress fail(std::string error);

  std::optional<Address> address_;
  std::vector<std::string> names_;
  std::size_t asked_ = 0;         // of names_, in this round, before the running request
  std::size_t asking_ = 0;        // about so many more the running request is
  bool is_about_limits_ = false;  // the running request
  Fd fd_;
  bool is_sent_ = false;
  std::string request_;
  std::string reply_;
  std::string error_;
  std::vector<BackendInfo> some_;      // those of the running request
  std::vector<BackendInfo> backends_;  // those of the round
  TimePoint next_{};
  TimePoint deadline_{};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_CLIENT_H_
