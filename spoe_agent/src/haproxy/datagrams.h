// Datagrams: receives HAProxy's log lines, many per system call.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_DATAGRAMS_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_DATAGRAMS_H_

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "leastwise/clock.h"
#include "serve/fd.h"

namespace leastwise::agent {

// Each comes with the time at which the kernel received it, so that the reader may come late and
// read many at once without making the answers look slow. Not thread safe.
class Datagrams {
 public:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kMaxLine = 8192;  // bytes; of a longer one the rest is lost

  // A socket of receive_on().
  explicit Datagrams(Fd fd);
  ~Datagrams();

  int descriptor() const noexcept { return fd_.get(); }

  // Reads up to kBatch; returns their number, 0 when there is none.
  std::size_t receive() noexcept;

  // REQUIRES: i < what receive() returned last. Valid until the next receive().
  std::string_view line(std::size_t i) const noexcept;
  TimePoint arrived(std::size_t i) const noexcept { return arrived_[i]; }

  // How many the kernel had to drop since the socket was opened.
  std::uint32_t dropped() const noexcept { return dropped_; }

 private:
  struct Buffers;

  void read_control(msghdr& header, std::size_t i, Duration realtime_now, TimePoint now) noexcept;

  Fd fd_;
  std::unique_ptr<Buffers> buffers_;
  std::array<TimePoint, kBatch> arrived_{};
  std::uint32_t dropped_ = 0;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_DATAGRAMS_H_
