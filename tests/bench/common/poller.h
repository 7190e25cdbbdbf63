// epoll with deadlines of nanoseconds.
//
// Keys are the caller's; closing a descriptor removes it. Throws std::system_error when the
// kernel refuses (epoll_pwait2 needs Linux 5.11). Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_POLLER_H_
#define LEASTWISE_TESTS_BENCH_COMMON_POLLER_H_

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "bench/common/fd.h"
#include "bench/common/time.h"

namespace leastwise::bench {

class Poller {
 public:
  Poller();

  void add(int fd, std::uint64_t key, std::uint32_t events);
  void change(int fd, std::uint64_t key, std::uint32_t events);

  // Waits for events, at most until `deadline` (none: for ever). The result is valid until the
  // next call.
  std::span<const epoll_event> wait(std::optional<Time> deadline);

 private:
  void control(int operation, int fd, std::uint64_t key, std::uint32_t events);

  Fd fd_;
  std::array<epoll_event, 1024> events_{};
};

// Lets timers fire on time and the process open as many sockets as the system allows.
void prepare_process();

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_POLLER_H_
