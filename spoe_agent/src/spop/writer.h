// Writer: appends one frame to a buffer, within the negotiated size.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_WRITER_H_
#define LEASTWISE_SPOE_AGENT_SPOP_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "spop/buffer.h"
#include "spop/types.h"

namespace leastwise::spop {

// The mirror of Reader: a cursor whose first failure sticks. What does not fit `max_size`, or
// memory, is a failure; rewind() takes back to a point where all was well. The frame becomes part
// of the buffer with finish(); without it the buffer is unchanged.
//
// While a Writer is in use nobody else may touch its buffer.
class Writer {
 public:
  Writer(Buffer& buffer, const FrameHeader& header, std::size_t max_size) noexcept;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  bool ok() const noexcept { return ok_; }

  void byte(std::uint8_t b) noexcept {
    if (at_ != end_) [[likely]] {
      *at_++ = b;
    } else {
      ok_ = false;
    }
  }
  void u32(std::uint32_t number) noexcept;
  void varint(std::uint64_t number) noexcept {
    if (number < kFirstLong) [[likely]] {
      byte(static_cast<std::uint8_t>(number));
    } else {
      long_varint(number);
    }
  }
  void string(std::string_view text) noexcept {
    varint(text.size());
    raw(text);
  }
  void value(const Value& value) noexcept;
  // An item of a HELLO's or a DISCONNECT's list.
  void item(std::string_view key, const Value& value) noexcept;

  // A point between two records, for rewind().
  std::size_t mark() const noexcept { return static_cast<std::size_t>(at_ - start_); }
  // REQUIRES: a mark of this writer, taken while ok().
  void rewind(std::size_t mark) noexcept {
    at_ = start_ + mark;
    ok_ = true;
  }

  // Puts the length in front. False, and the buffer unchanged, if something did not fit.
  bool finish() noexcept;

 private:
  static constexpr std::uint64_t kFirstLong = 240;

  void long_varint(std::uint64_t number) noexcept;
  void raw(std::string_view bytes) noexcept {
    if (bytes.size() > static_cast<std::size_t>(end_ - at_)) {
      ok_ = false;
    } else if (!bytes.empty()) {  // memcpy from a null pointer is undefined even for no bytes
      std::memcpy(at_, bytes.data(), bytes.size());
      at_ += bytes.size();
    }
  }

  Buffer& buffer_;
  std::uint8_t* start_ = nullptr;
  std::uint8_t* at_ = nullptr;
  std::uint8_t* end_ = nullptr;
  bool ok_ = false;
};

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_WRITER_H_
