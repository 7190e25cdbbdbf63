#include "state/learned.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace leastwise::nginx {
namespace {

constexpr std::array<char, 8> kMagic = {'l', 'w', 'l', 'e', 'a', 'r', 'n', '1'};
constexpr std::size_t kVersion = kMagic.size() - 1;
constexpr std::int64_t kSlackUs = 60'000'000;  // that the two clocks drift apart
constexpr std::int64_t kMostUs = 86'400'000'000;

struct Head {
  std::array<char, 8> magic{};
  std::uint64_t checksum = 0;  // of the head, with 0 here, and the rest
  std::uint64_t capacity = 0;
  std::int64_t now_us = 0, unix_us = 0;
};
static_assert(std::is_trivially_copyable_v<Head> && sizeof(Head) == 40);

constexpr std::align_val_t kLine{64};
struct Free {
  void operator()(std::byte* p) const noexcept { operator delete[](p, kLine); }
};
using Bytes = std::unique_ptr<std::byte[], Free>;

// What a large one does not touch takes no memory. nullptr when there is none.
Bytes allocate(std::size_t bytes) noexcept {
  return Bytes(static_cast<std::byte*>(operator new[](bytes, kLine, std::nothrow)));
}

std::uint64_t hash(std::string_view text) noexcept {
  return std::hash<std::string_view>{}(text);  // the same in each process of a build, as the pool's
}

std::uint64_t checksum_of(Head head, std::string_view image) noexcept {
  head.checksum = 0;
  return hash({reinterpret_cast<const char*>(&head), sizeof(head)}) * 31 + hash(image);
}

Status check_age(const Head& head, const Moment& at) noexcept {
  const std::int64_t now_us = at.now.time_since_epoch().count();
  const bool is_sane = head.now_us >= 0 && head.now_us <= now_us && head.unix_us >= 0 &&
                       now_us - head.now_us <= kMostUs;
  if (!is_sane) return {Status::Code::kOutOfRange, "of before the machine was started, or old"};
  const std::int64_t drift = (at.unix_us - head.unix_us) - (now_us - head.now_us);
  if (drift > kSlackUs || drift < -kSlackUs) {
    return {Status::Code::kOutOfRange, "of before the machine was started, or its clock was set"};
  }
  return {};
}

}  // namespace

bool write_learned(const Pool& pool, const Moment& at, std::string& out) noexcept try {
  // Not quite full: names are found sooner.
  const std::size_t n = pool.endpoints();
  const std::size_t capacity = std::min(kMaxEndpoints, n + n / 2 + 1);
  const std::size_t bytes = Pool::bytes_for(capacity);
  const Bytes memory = allocate(bytes);
  Pool copy;
  if (!memory || !Pool::create({memory.get(), bytes}, capacity, copy).ok()) return false;
  // What does not fit has come since they were counted, and is in the next one.
  static_cast<void>(copy.migrate(pool).ok());
  const std::span<const std::byte> bytes_of = copy.image();
  const std::string_view image(reinterpret_cast<const char*>(bytes_of.data()), bytes_of.size());
  Head head{kMagic, 0, capacity, at.now.time_since_epoch().count(), at.unix_us};
  head.checksum = checksum_of(head, image);
  out.assign(reinterpret_cast<const char*>(&head), sizeof(head));
  out += image;
  return true;
} catch (...) {
  return false;
}

bool is_learned(std::string_view content) noexcept {
  return content.starts_with(std::string_view(kMagic.data(), kVersion));
}

Status read_learned(std::string_view content, const Moment& at, Pool& pool) noexcept {
  Head head;
  if (!is_learned(content)) return {Status::Code::kCorrupt, "not what Leastwise writes"};
  if (content.size() < sizeof(head)) return {Status::Code::kCorrupt, "cut short"};
  std::memcpy(&head, content.data(), sizeof(head));
  if (head.magic != kMagic) return {Status::Code::kCorrupt, "of another version of Leastwise"};
  std::string_view image = content;
  image.remove_prefix(sizeof(head));
  if (head.checksum != checksum_of(head, image)) {
    return {Status::Code::kCorrupt, "damaged or cut short"};
  }
  if (head.capacity == 0 || head.capacity > kMaxEndpoints ||
      Pool::image_bytes(head.capacity) != image.size()) {
    return {Status::Code::kCorrupt, "of another version of Leastwise"};
  }
  if (Status s = check_age(head, at); !s.ok()) return s;
  const std::size_t bytes = Pool::bytes_for(head.capacity);
  const Bytes memory = allocate(bytes);
  if (!memory) return {Status::Code::kNoMemory, "out of memory"};
  std::memcpy(memory.get(), image.data(), image.size());
  Pool kept;
  if (Status s = Pool::attach({memory.get(), bytes}, kept); !s.ok()) return s;
  pool.take_learned(kept);
  return {};
}

}  // namespace leastwise::nginx
