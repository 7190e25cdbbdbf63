// CountReader: asks HAProxy many times a second how much it has in flight at the servers of some
// backends, without waiting for it. One request at a time, on a connection of its own: `show stat`
// of those backends' servers, 60 to 100 µs of HAProxy's for twenty servers.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_COUNT_READER_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_COUNT_READER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "haproxy/runtime_api.h"
#include "leastwise/clock.h"
#include "serve/fd.h"

namespace leastwise::agent {

struct ServerCounts {
  std::string_view backend, server;
  std::uint32_t in_flight = 0, queued = 0;
};

// False, and `out` cut short, when it is no such answer.
bool parse_counts(std::string_view text, std::vector<ServerCounts>& out);

class CountReader {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(50);
  static constexpr Duration kPatience = std::chrono::seconds(1);
  // Of many servers more seldom, so that HAProxy is kept busy for one percent of its time at most.
  static constexpr Duration kPerServer = std::chrono::microseconds(500);

  // Whom to ask, from the next time on, and about which backends.
  void ask(const std::optional<Address>& address, std::span<const BackendInfo> backends);

  // True when a request was just sent: what we count by ourselves is to be noted now.
  bool poll(TimePoint now);
  int descriptor() const noexcept { return fd_.get(); }
  // The descriptor can be read. True when the answer is complete: counts() has it until poll().
  bool on_ready(TimePoint now);
  const std::vector<ServerCounts>& counts() const noexcept { return counts_; }

 private:
  std::optional<Address> address_;
  std::string request_;
  Duration period_ = kPeriod;
  Fd fd_;
  std::string reply_;
  std::vector<ServerCounts> counts_;
  TimePoint next_{};
  TimePoint deadline_{};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_COUNT_READER_H_
