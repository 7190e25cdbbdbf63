#include "spop/buffer.h"

#include <algorithm>
#include <new>

namespace leastwise::spop {

bool Buffer::append(Bytes bytes) noexcept {
  if (bytes.empty()) return true;
  const std::span<std::uint8_t> room = this->room(bytes.size());
  if (room.empty()) return false;
  std::copy(bytes.begin(), bytes.end(), room.begin());
  commit(bytes.size());
  return true;
}

bool Buffer::make_room(std::size_t n) noexcept {
  constexpr std::size_t kSmallest = 512;  // most frames, and a batch of answers, fit
  const Bytes content = bytes();
  if (capacity_ - content.size() >= n) {  // only the front is in the way
    std::copy(content.begin(), content.end(), data_.get());
  } else {
    const std::size_t capacity = std::max({kSmallest, 2 * capacity_, content.size() + n});
    std::unique_ptr<std::uint8_t[]> data(new (std::nothrow) std::uint8_t[capacity]);
    if (!data) return false;
    std::copy(content.begin(), content.end(), data.get());
    data_ = std::move(data);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = content.size();
  return true;
}

}  // namespace leastwise::spop
