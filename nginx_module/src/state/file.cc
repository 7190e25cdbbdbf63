#include "state/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

namespace leastwise::nginx {
namespace {

constexpr std::size_t kPage = 4096;

class Descriptor {
 public:
  explicit Descriptor(int file) noexcept : file_(file) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int get() const noexcept { return file_; }
  int release() noexcept { return std::exchange(file_, -1); }
  explicit operator bool() const noexcept { return file_ >= 0; }
  // Some file systems tell only here that the content did not fit.
  int close() noexcept {
    const int rc = file_ >= 0 ? ::close(file_) : 0;
    file_ = -1;
    return rc == 0 ? 0 : errno;
  }

 private:
  int file_;
};

int write_at(int file, std::string_view content, std::size_t at) noexcept {
  while (!content.empty()) {
    const ssize_t n = ::pwrite(file, content.data(), content.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? EIO : errno;
    content.remove_prefix(static_cast<std::size_t>(n));
    at += static_cast<std::size_t>(n);
  }
  return 0;
}

bool is_zero(std::string_view page) noexcept {
  return std::ranges::all_of(page, [](char c) noexcept { return c == '\0'; });
}

int write_all(int file, std::string_view content) noexcept {
  if (::ftruncate(file, static_cast<off_t>(content.size())) != 0) return errno;
  for (std::size_t at = 0; at < content.size(); at += kPage) {
    const std::string_view page(content.data() + at, std::min(kPage, content.size() - at));
    if (is_zero(page)) continue;
    if (const int error = write_at(file, page, at); error != 0) return error;
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

int write_new(const std::string& path, std::string_view content) noexcept {
  ::unlink(path.c_str());  // left by one that died
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return errno;
  const int error = write_all(file.get(), content);
  const int closed = file.close();
  return error != 0 ? error : closed;
}

// The new name, too, is to be there after a crash.
int sync_folder(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  const Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) return errno;
  return ::fsync(file.get()) == 0 ? 0 : errno;
}

}  // namespace

int read_file(const char* path, std::size_t most, std::string& out) noexcept try {
  const Descriptor file(::open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file) return errno;
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return errno;
  if (!S_ISREG(info.st_mode)) return EINVAL;
  if (static_cast<std::size_t>(info.st_size) > most) return EFBIG;
  out.resize(static_cast<std::size_t>(info.st_size));
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t n =
        ::pread(file.get(), out.data() + got, out.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(got);
  return 0;
} catch (...) {
  return ENOMEM;
}

int replace_file(const std::string& path, std::string_view content) noexcept try {
  const std::string next = path + ".new";
  int error = write_new(next, content);
  if (error == 0 && ::rename(next.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return sync_folder(path);
  ::unlink(next.c_str());
  return error;
} catch (...) {
  return ENOMEM;
}

double age_of(const std::string& path) noexcept {
  constexpr double kLong = 1e9;
  struct stat info {};
  timespec now{};
  if (::stat(path.c_str(), &info) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0) return kLong;
  const double age = static_cast<double>(now.tv_sec - info.st_mtim.tv_sec) +
                     static_cast<double>(now.tv_nsec - info.st_mtim.tv_nsec) * 1e-9;
  return age < 0 ? kLong : age;
}

int keep_aside(const std::string& path) noexcept try {
  const std::string aside = path + ".kept";
  if (::rename(path.c_str(), aside.c_str()) == 0 || errno == ENOENT) return 0;
  return errno;
} catch (...) {
  return ENOMEM;
}

std::optional<Owner> FileLock::owner_of(const char* path) noexcept try {
  std::string note;
  if (read_file((std::string(path) + ".lock").c_str(), kPage, note) != 0) return {};
  return read_owner(note);
} catch (...) {
  return {};
}

int FileLock::take(const char* path, const Owner& owner) noexcept {
  std::array<char, 4096> name{};
  const int size = std::snprintf(name.data(), name.size(), "%s.lock", path);
  if (size < 0 || static_cast<std::size_t>(size) >= name.size()) return ENAMETOOLONG;
  Descriptor file(::open(name.data(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return errno;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return errno;
  // A full disk keeps nobody from the lock: that nobody knows whose it is matters less.
  OwnerText note;
  if (::ftruncate(file.get(), 0) == 0)
    static_cast<void>(write_at(file.get(), to_text(owner, note), 0));
  file_ = file.release();
  return 0;
}

void FileLock::release() noexcept {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

}  // namespace leastwise::nginx
