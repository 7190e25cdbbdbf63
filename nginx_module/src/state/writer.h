// Writer: writes what is kept of one upstream, in a thread of its own, since a disk takes its time
// and requests do not wait for it.
//
// One task at a time. The thread reads the pool as any other process does; the pool's memory has to
// stay until the task is done.
#ifndef LEASTWISE_NGINX_MODULE_STATE_WRITER_H_
#define LEASTWISE_NGINX_MODULE_STATE_WRITER_H_

#include <pthread.h>

#include <atomic>
#include <string>
#include <string_view>

#include "leastwise/pool.h"

namespace leastwise::nginx {

struct Task {
  Pool pool;
  std::string_view prefix;  // of its endpoints' names
  const char* file = nullptr;
  bool is_first = false;          // since the lock was taken: what is there may be anything
  bool with_learned = false;      // what was learned as well, in FILE.learned,
  bool is_first_learned = false;  // where too may be anything;
  bool is_last = false;           // not when another process has just done it at its end
};

struct Written {
  int error = 0;                // errno
  bool was_kept_aside = false;  // a file that is no state of ours
};

// Where what was learned is.
std::string learned_file(const char* file);
// As read_file() reads that.
int read_learned_file(const char* file, std::string& out) noexcept;

// Here and now.
Written write_now(const Task& task) noexcept;

class Writer {
 public:
  Writer() noexcept = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { wait(); }

  // Begins it; does it here when there can be no thread. REQUIRES: !is_busy().
  void start(const Task& task) noexcept;
  // From start() until collect() gave its result.
  bool is_busy() const noexcept { return is_busy_; }
  // True, once, when it is done.
  bool collect(Written& out) noexcept;
  // Until it is done.
  void wait() noexcept;

 private:
  static void* run(void* self) noexcept;

  Task task_;
  Written written_;
  std::atomic<bool> is_done_{false};
  bool is_busy_ = false, has_thread_ = false;
  pthread_t thread_{};
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STATE_WRITER_H_
