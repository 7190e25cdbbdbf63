#include "state/writer.h"

#include <cerrno>
#include <csignal>
#include <string>

#include "state/changes.h"
#include "state/file.h"

namespace leastwise::nginx {

Written write_now(const Task& task) noexcept try {
  const std::string file = task.file;
  std::string text, old;
  if (!write_changes(task.pool, task.prefix, this_moment(), text)) return {.error = ENOMEM};
  const int error = read_file(file, kMostState, old);
  if (error == 0 && old == text) return {};
  Written written;
  const bool is_ours = error == ENOENT || (error == 0 && (old.empty() || is_state(old)));
  if (task.is_first && !is_ours) {
    written.error = keep_aside(file);
    if (written.error != 0) return written;
    written.was_kept_aside = true;
  }
  written.error = replace_file(file, text);
  return written;
} catch (...) {
  return {.error = ENOMEM};
}

void* Writer::run(void* self) noexcept {
  Writer& writer = *static_cast<Writer*>(self);
  writer.written_ = write_now(writer.task_);
  // release: pairs with the acquire in collect(), so that the result is seen.
  writer.is_done_.store(true, std::memory_order_release);
  return nullptr;
}

void Writer::start(const Task& task) noexcept {
  task_ = task;
  is_busy_ = true;
  is_done_.store(false, std::memory_order_relaxed);
  // Signals are for nginx's own thread.
  sigset_t all, before;
  sigfillset(&all);
  const bool is_blocked = pthread_sigmask(SIG_BLOCK, &all, &before) == 0;
  has_thread_ = is_blocked && pthread_create(&thread_, nullptr, run, this) == 0;
  if (is_blocked) pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!has_thread_) run(this);
}

bool Writer::collect(Written& out) noexcept {
  if (!is_busy_ || !is_done_.load(std::memory_order_acquire)) return false;
  wait();
  is_busy_ = false;
  out = written_;
  return true;
}

void Writer::wait() noexcept {
  if (has_thread_) pthread_join(thread_, nullptr);
  has_thread_ = false;
}

}  // namespace leastwise::nginx
