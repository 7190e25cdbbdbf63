// WriteTrap: stops a program before each write to some memory, by page protection and single steps,
// so that the code under test is the one that is shipped. Linux on x86-64.
#ifndef LEASTWISE_TESTS_CORE_MEMORY_WRITE_TRAP_H_
#define LEASTWISE_TESTS_CORE_MEMORY_WRITE_TRAP_H_

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace leastwise {

// The same memory mapped twice: writes to the first are trapped, those to the second are not.
class TwiceMapped {
 public:
  explicit TwiceMapped(std::size_t bytes) {
    const long page = ::sysconf(_SC_PAGESIZE);
    bytes_ = (bytes / static_cast<std::size_t>(page) + 1) * static_cast<std::size_t>(page);
    file_ = ::memfd_create("pool", 0);
    is_good_ = file_ >= 0 && ::ftruncate(file_, static_cast<off_t>(bytes_)) == 0;
    trapped_ = map();
    open_ = map();
  }
  ~TwiceMapped() {
    ::munmap(trapped_, bytes_);
    ::munmap(open_, bytes_);
    ::close(file_);
  }
  TwiceMapped(const TwiceMapped&) = delete;
  TwiceMapped& operator=(const TwiceMapped&) = delete;

  bool is_good() const { return is_good_ && trapped_ != MAP_FAILED && open_ != MAP_FAILED; }
  std::span<std::byte> trapped() const { return {static_cast<std::byte*>(trapped_), bytes_}; }
  std::span<std::byte> open() const { return {static_cast<std::byte*>(open_), bytes_}; }

 private:
  void* map() const {
    return ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  }

  std::size_t bytes_ = 0;
  int file_ = -1;
  bool is_good_ = false;
  void* trapped_ = nullptr;
  void* open_ = nullptr;
};

class WriteTrap {
 public:
  // Runs op(), and before each write of it to `memory` at_write(number of the write, from 0), which
  // must not write there itself. Returns how many writes there were. One at a time.
  template <typename Op>
  static int run(std::span<std::byte> memory, void (*at_write)(int), Op op) {
    memory_ = memory;
    at_write_ = at_write;
    writes_ = 0;
    struct sigaction fault {};
    fault.sa_sigaction = on_fault;
    fault.sa_flags = SA_SIGINFO;
    struct sigaction step = fault;
    step.sa_sigaction = on_step;
    struct sigaction old_fault {
    }, old_step{};
    ::sigaction(SIGSEGV, &fault, &old_fault);
    ::sigaction(SIGTRAP, &step, &old_step);
    protect(PROT_READ);
    op();
    protect(PROT_READ | PROT_WRITE);
    ::sigaction(SIGSEGV, &old_fault, nullptr);
    ::sigaction(SIGTRAP, &old_step, nullptr);
    return writes_;
  }

 private:
  static constexpr greg_t kTrapFlag = 0x100;

  static void protect(int how) { ::mprotect(memory_.data(), memory_.size(), how); }

  static void on_fault(int, siginfo_t* info, void* context) {
    const auto* at = static_cast<std::byte*>(info->si_addr);
    if (at < memory_.data() || at >= memory_.data() + memory_.size()) {
      ::signal(SIGSEGV, SIG_DFL);  // a fault of its own: as without us
      return;
    }
    at_write_(writes_++);
    protect(PROT_READ | PROT_WRITE);
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
  }
  // The write is done: the next one is trapped again.
  static void on_step(int, siginfo_t*, void* context) {
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~kTrapFlag;
    protect(PROT_READ);
  }

  inline static std::span<std::byte> memory_;
  inline static void (*at_write_)(int) = nullptr;
  inline static int writes_ = 0;
};

}  // namespace leastwise

#endif  // LEASTWISE_TESTS_CORE_MEMORY_WRITE_TRAP_H_
