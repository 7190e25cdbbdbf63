#include "state/writer.h"

#include <cerrno>
#include <csignal>
#include <string>

#include "state/changes.h"
#include "state/file.h"
#include "state/learned.h"

namespace leastwise::nginx {

namespace {

constexpr double kJustNow = 1;  // second

// What is there and none of ours is somebody's by a slip of the pen.
void clear_the_way(const std::string& file, bool is_ours, Written& out) noexcept {
  if (is_ours) return;
  out.error = keep_aside(file);
  out.was_kept_aside = out.error == 0;
}

Written replace_changes(const Task& task) {
  const std::string file = task.file;
  std::string text, old;
  if (!write_changes(task.pool, task.prefix, this_moment(), text)) return {.error = ENOMEM};
  const int error = read_file(file.c_str(), kMostState, old);
  if (error == 0 && old == text) return {};
  Written written;
  const bool is_ours = error == ENOENT || (error == 0 && (old.empty() || is_state(old)));
  if (task.is_first) clear_the_way(file, is_ours, written);
  if (written.error == 0) written.error = replace_file(file, text);
  return written;
}

Written replace_learned(const Task& task) {
  const std::string file = learned_file(task.file);
  if (task.is_last && age_of(file) < kJustNow) return {};
  Written written;
  std::string content;
  if (task.is_first_learned) {
    const int error = read_file(file.c_str(), kMostLearned, content);
    const bool is_ours =
        error == ENOENT || (error == 0 && (content.empty() || is_learned(content)));
    clear_the_way(file, is_ours, written);
  }
  if (written.error != 0) return written;
  written.error =
      write_learned(task.pool, this_moment(), content) ? replace_file(file, content) : ENOMEM;
  return written;
}

}  // namespace

std::string learned_file(const char* file) { return std::string(file) + ".learned"; }

int read_learned_file(const char* file, std::string& out) noexcept try {
  return read_file(learned_file(file).c_str(), kMostLearned, out);
} catch (...) {
  return ENOMEM;
}

Written write_now(const Task& task) noexcept try {
  Written written = replace_changes(task);
  if (!task.with_learned) return written;
  const Written learned = replace_learned(task);
  if (written.error == 0) written.error = learned.error;
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
