// RuntimeClient: asks HAProxy's runtime API, without waiting for it.
//
// One request at a time on a connection of its own. The learning thread polls descriptor()
// and calls on_ready(); a socket that is gone, stuck or talks garbage costs an attempt, nothing
// more.
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

  void set_address(std::optional<Address> address);
  bool is_configured() const noexcept { return address_.has_value(); }

  // Starts a request when one is due, gives up one that takes too long. True if there is a new
  // error().
  bool poll(TimePoint now);

  // The socket of the running request, -1 if there is none, and what to wait for (poll(2)).
  int descriptor() const noexcept { return fd_.get(); }
  short events() const noexcept;

  enum class Progress : std::uint8_t { kGoesOn, kAnswered, kFailed };
  // The descriptor is ready. kAnswered: take() has the servers.
  Progress on_ready(TimePoint now);
  std::vector<BackendInfo> take() noexcept { return std::move(backends_); }

  const std::string& error() const noexcept { return error_; }  // of the last attempt, or empty

 private:
  bool send_request() noexcept;
  void fail(std::string error);

  std::optional<Address> address_;
  Fd fd_;
  bool is_sent_ = false;
  std::string reply_;
  std::string error_;
  std::vector<BackendInfo> backends_;
  TimePoint next_{};
  TimePoint deadline_{};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_CLIENT_H_
