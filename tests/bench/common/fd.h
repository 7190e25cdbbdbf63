// Owns one file descriptor. -1 is "none". Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_FD_H_
#define LEASTWISE_TESTS_BENCH_COMMON_FD_H_

#include <unistd.h>

#include <utility>

namespace leastwise::bench {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }

  int get() const noexcept { return fd_; }
  bool is_open() const noexcept { return fd_ >= 0; }
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_FD_H_
