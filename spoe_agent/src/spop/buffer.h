// Buffer: bytes on their way, in memory that is kept from one use to the next.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_BUFFER_H_
#define LEASTWISE_SPOE_AGENT_SPOP_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "spop/types.h"

namespace leastwise::spop {

// A queue of bytes: filled at the end, taken from the front. It grows by doubling and never gives
// memory back, so it stops allocating once it has seen its largest content. Out of memory is a
// return value, not an exception. Not thread safe.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  Bytes bytes() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  void clear() noexcept { begin_ = end_ = 0; }

  // REQUIRES: n <= size(). For a send() that took only a part.
  void consume(std::size_t n) noexcept {
    begin_ += n;
    if (empty()) clear();
  }

  // At least n writable bytes behind the content, or an empty span when memory is exhausted. Valid
  // until the next call that is not const.
  std::span<std::uint8_t> room(std::size_t n) noexcept {
    if (capacity_ - end_ < n && !make_room(n)) [[unlikely]]
      return {};
    return {data_.get() + end_, capacity_ - end_};
  }
  // REQUIRES: n <= what room() returned last. Makes the first n bytes of it content.
  void commit(std::size_t n) noexcept { end_ += n; }

  // False, and no change, when memory is exhausted.
  bool append(Bytes bytes) noexcept;

 private:
  bool make_room(std::size_t n) noexcept;

  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_BUFFER_H_
