// File: read whole; replaced whole or not at all; and a lock for who may replace it.
//
// Errors are errno's, 0 = none. Nothing throws. A link is not followed: the folder belongs to the
// workers' user, and the master that reads is root.
#ifndef LEASTWISE_NGINX_MODULE_STATE_FILE_H_
#define LEASTWISE_NGINX_MODULE_STATE_FILE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "state/owner.h"

namespace leastwise::nginx {

// EFBIG when it is larger than `most` bytes; EINVAL when it is no regular file.
int read_file(const char* path, std::size_t most, std::string& out) noexcept;

// Writes PATH.new, brings it to the disk, and gives it the name PATH: whoever reads sees the old
// content or the new one, after a crash as well. Mode 0600. Pages of zeroes take no room.
int replace_file(const std::string& path, std::string_view content) noexcept;

// Seconds since it was replaced; a large number when that is not known.
double age_of(const std::string& path) noexcept;

// Gives it the name PATH.kept, whatever had that before. No error when there is none.
int keep_aside(const std::string& path) noexcept;

// The right to replace a file, among all processes of this machine. The kernel takes it back from
// whoever dies.
class FileLock {
 public:
  FileLock() noexcept = default;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { release(); }

  // Of PATH.lock, a file of its own, since PATH is another one each time. EWOULDBLOCK when another
  // process has it. Never waits.
  int take(const char* path, const Owner& owner) noexcept;
  // Whose the lock of PATH is when another process has it; nothing when that is not known.
  static std::optional<Owner> owner_of(const char* path) noexcept;
  void release() noexcept;
  bool is_held() const noexcept { return file_ >= 0; }

 private:
  int file_ = -1;
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STATE_FILE_H_
