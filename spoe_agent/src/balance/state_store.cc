#include "balance/state_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "serve/clock.h"
#include "serve/log.h"
#include "serve/sockets.h"

namespace leastwise::agent {
namespace {

// Of the file: a multiple of every machine's own, so that a section can be mapped.
constexpr std::size_t kPage = 65536;
constexpr std::array<char, 8> kFileMagic = {'l', 'w', 's', 't', 'a', 't', 'e', '1'};
constexpr std::array<char, 8> kSectionMagic = {'l', 'w', 'p', 'o', 'o', 'l', ' ', '1'};
constexpr std::array<char, 8> kGapMagic = {'l', 'w', 'g', 'a', 'p', ' ', ' ', '1'};
constexpr std::size_t kMostBytes = std::size_t{1} << 40;

struct FileHead {
  std::array<char, 8> magic;
  std::int64_t last_us;  // latest time of the agent's clock in the file
};

struct SectionHead {
  std::array<char, 8> magic;
  std::uint64_t bytes;  // behind the head, a multiple of kPage
  std::array<char, 256> name;
};
static_assert(std::is_trivially_copyable_v<FileHead> && sizeof(SectionHead) <= kPage);

constexpr std::size_t round_up(std::size_t bytes) noexcept {
  return (bytes + kPage - 1) / kPage * kPage;
}

template <typename Head>
bool read_at(const Fd& file, std::size_t offset, Head& head) noexcept {
  return ::pread(file.get(), &head, sizeof head, static_cast<off_t>(offset)) ==
         ssize_t{sizeof head};
}

template <typename Head>
bool write_at(const Fd& file, std::size_t offset, const Head& head) noexcept {
  return ::pwrite(file.get(), &head, sizeof head, static_cast<off_t>(offset)) ==
         ssize_t{sizeof head};
}

// O_NOFOLLOW: the folder may be writable by others, and they could put a link there.
Fd open_locked(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!file) throw std::runtime_error(with_errno("state \"" + path + '"'));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    throw std::runtime_error("state \"" + path + "\": not a regular file");
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    throw std::runtime_error("state \"" + path + "\": another agent uses it");
  }
  return file;
}

std::size_t size_of(const Fd& file) noexcept {
  struct stat info {};
  return ::fstat(file.get(), &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
}

// Of any version. A file that is none may be somebody's by a slip of the pen.
bool is_state(const Fd& file) noexcept {
  FileHead head{};
  const std::string_view magic(kFileMagic.data(), kFileMagic.size() - 1);
  return read_at(file, 0, head) &&
         std::string_view(head.magic.data(), head.magic.size()).starts_with(magic);
}

// Never over another file: link() fails where there is one.
void keep_aside(const std::string& path) {
  const std::string aside = path + ".kept";
  if (::link(path.c_str(), aside.c_str()) != 0 || ::unlink(path.c_str()) != 0) {
    throw std::runtime_error(
        "state \"" + path + "\": not a state file of leastwise-spoa, and can " + "not be kept as " +
        with_errno(aside) + "; name another file, or remove it");
  }
  log(LogLevel::kWarning, {"state ", path, ": not a state file of leastwise-spoa: kept as ", aside,
                           ", started afresh"});
}

}  // namespace

StateStore::StateStore(const std::string& path) : path_(path) {
  if (path.empty()) return;
  file_ = open_locked(path);
  const bool is_new = size_of(file_) == 0;
  if (!is_new && load()) return;
  if (!is_new && !is_state(file_)) {
    keep_aside(path);
    file_ = open_locked(path);
  } else if (!is_new) {
    log(LogLevel::kWarning, {"state ", path_, ": damaged or of another version, started afresh"});
  }
  start_afresh();
}

StateStore::~StateStore() {
  for (const Memory memory : mapped_) ::munmap(memory.data(), memory.size());
}

StateStore::Memory StateStore::find(std::string_view name) const noexcept {
  const auto found = sections_.find(name);
  return found == sections_.end() ? Memory() : found->second;
}

StateStore::Memory StateStore::create(std::string_view name, std::size_t bytes) {
  const std::size_t rounded = round_up(bytes);
  Memory memory = head_.empty() ? anonymous(rounded) : append(name, rounded);
  if (memory.empty() && !head_.empty()) {
    log(LogLevel::kWarning,
        {with_errno("state " + path_), ": what is learned of ", name, " will not be kept"});
    memory = anonymous(rounded);
  }
  if (!memory.empty()) sections_.insert_or_assign(std::string(name), memory);
  return memory;
}

void StateStore::stamp(TimePoint now) noexcept {
  if (head_.empty()) return;
  const std::int64_t us = now.time_since_epoch().count();
  std::memcpy(head_.data() + offsetof(FileHead, last_us), &us, sizeof us);
}

StateStore::Memory StateStore::map(std::size_t offset, std::size_t bytes) noexcept {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(),
                    static_cast<off_t>(offset));
  if (at == MAP_FAILED) return {};
  return mapped_.emplace_back(static_cast<std::byte*>(at), bytes);
}

StateStore::Memory StateStore::anonymous(std::size_t bytes) noexcept {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return {};
  return mapped_.emplace_back(static_cast<std::byte*>(at), bytes);
}

// False when the chain is broken anywhere.
bool StateStore::load() {
  const std::size_t size = size_of(file_);
  FileHead head{};
  if (!read_at(file_, 0, head) || head.magic != kFileMagic || head.last_us < 0) return false;
  std::size_t at = kPage;
  while (at < size) {
    SectionHead section{};
    if (!read_at(file_, at, section)) return false;
    const bool is_gap = section.magic == kGapMagic;
    if (!is_gap && section.magic != kSectionMagic) return false;
    if (section.bytes == 0 || section.bytes % kPage != 0 || section.bytes > size) return false;
    if (size - at < kPage + section.bytes || section.name.back() != '\0') return false;
    if (!is_gap) {
      const Memory memory = map(at + kPage, section.bytes);
      if (memory.empty()) return false;
      // A crash in append() leaves two of a name: the later is the larger.
      sections_.insert_or_assign(section.name.data(), memory);
    }
    at += kPage + section.bytes;
  }
  if (at != size || (head_ = map(0, kPage)).empty()) return false;
  end_ = size;
  // A damaged time must not stop the clock for ever: a century ahead it is taken for damage.
  const TimePoint last{Duration(head.last_us)};
  if (last - now() > std::chrono::hours(24 * 365 * 100)) return false;
  continue_from(last);
  return true;
}

void StateStore::start_afresh() {
  sections_.clear();
  head_ = {};
  const FileHead head{kFileMagic, now().time_since_epoch().count()};
  const bool is_written = ::ftruncate(file_.get(), 0) == 0 &&
                          ::posix_fallocate(file_.get(), 0, kPage) == 0 && write_at(file_, 0, head);
  if (is_written) head_ = map(0, kPage);
  end_ = kPage;
  if (head_.empty()) {
    log(LogLevel::kWarning, {with_errno("state " + path_), ": what is learned will not be kept"});
  }
}

// Room is reserved on the disk first: a mapped page without a place there would be a SIGBUS.
StateStore::Memory StateStore::append(std::string_view name, std::size_t bytes) {
  SectionHead section{kSectionMagic, bytes, {}};
  if (name.size() >= section.name.size() || bytes > kMostBytes) return {};
  name.copy(section.name.data(), name.size());
  const int error =
      ::posix_fallocate(file_.get(), static_cast<off_t>(end_), static_cast<off_t>(kPage + bytes));
  if (error != 0) errno = error;
  if (error != 0 || !write_at(file_, end_, section)) {
    const int reason = errno;
    [[maybe_unused]] const int ignored = ::ftruncate(file_.get(), static_cast<off_t>(end_));
    errno = reason;
    return {};
  }
  const Memory memory = map(end_ + kPage, bytes);
  // Now that there are two of that name the older one becomes a gap.
  for (std::size_t at = kPage; at < end_;) {
    SectionHead old{};
    if (!read_at(file_, at, old)) break;
    if (old.magic == kSectionMagic && name == old.name.data()) {
      old.magic = kGapMagic;
      write_at(file_, at, old);
    }
    at += kPage + old.bytes;
  }
  end_ += kPage + bytes;
  return memory;
}

}  // namespace leastwise::agent
