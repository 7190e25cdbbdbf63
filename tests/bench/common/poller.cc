#include "bench/common/poller.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>

namespace leastwise::bench {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!fd_.is_open()) fail("epoll_create1");
}

void Poller::add(int fd, std::uint64_t key, std::uint32_t events) {
  control(EPOLL_CTL_ADD, fd, key, events);
}

void Poller::change(int fd, std::uint64_t key, std::uint32_t events) {
  control(EPOLL_CTL_MOD, fd, key, events);
}

void Poller::control(int operation, int fd, std::uint64_t key, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key;
  if (epoll_ctl(fd_.get(), operation, fd, &event) != 0) fail("epoll_ctl");
}

std::span<const epoll_event> Poller::wait(std::optional<Time> deadline) {
  timespec span{};
  if (deadline) {
    const Duration left = std::max(*deadline - now(), Duration::zero());
    span.tv_sec = left / std::chrono::seconds(1);
    span.tv_nsec = (left % std::chrono::seconds(1)).count();
  }
  const int count = epoll_pwait2(fd_.get(), events_.data(), static_cast<int>(events_.size()),
                                 deadline ? &span : nullptr, nullptr);
  if (count < 0 && errno != EINTR) fail("epoll_pwait2");
  return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  // The default slack of 50 us would be part of every service time.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace leastwise::bench
