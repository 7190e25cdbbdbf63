// Text: appends to a buffer of the caller, without allocation.
#ifndef LEASTWISE_TEXT_H_
#define LEASTWISE_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace leastwise {

// What does not fit is dropped but still counted: size() is the length that the
// whole text has, so a caller renders once into nothing to learn the size it
// needs, allocates, and renders again.
class Text {
 public:
  explicit constexpr Text(std::span<char> buffer) noexcept : buffer_(buffer) {}

  Text& operator<<(std::string_view s) noexcept;
  Text& operator<<(char c) noexcept { return *this << std::string_view(&c, 1); }
  Text& operator<<(const char* s) noexcept { return *this << std::string_view(s); }
  Text& operator<<(std::uint64_t n) noexcept;
  Text& operator<<(std::int64_t n) noexcept;
  Text& operator<<(std::uint32_t n) noexcept { return *this << std::uint64_t{n}; }
  Text& operator<<(std::int32_t n) noexcept { return *this << std::int64_t{n}; }
  // Six significant digits, never in a locale; NaN and infinities are written as 0,
  // for which JSON has no word.
  Text& operator<<(double x) noexcept;
  // A sum of times, to the microsecond: with six digits a large one would stand still for minutes
  // and then jump.
  Text& sum(double seconds) noexcept;

  // For the inside of a JSON string (RFC 8259 §7); `<` too, so that the text can stand in
  // a page. Bytes that are not ASCII pass.
  Text& json(std::string_view s) noexcept;
  // For the inside of a Prometheus label value: quote, backslash, line feed.
  Text& label(std::string_view s) noexcept;

  std::size_t size() const noexcept { return size_; }
  // Takes back all that was written after the text had that size.
  void cut(std::size_t size) noexcept { size_ = size < size_ ? size : size_; }
  bool fits() const noexcept { return size_ <= buffer_.size(); }
  // What was written. Only the part that fits.
  std::string_view view() const noexcept {
    return {buffer_.data(), size_ < buffer_.size() ? size_ : buffer_.size()};
  }

 private:
  std::span<char> buffer_;
  std::size_t size_ = 0;
};

// Renders until the whole text fits: another thread or process may add a server meanwhile.
// allocate(size) gives a buffer of at least that size, or an empty one when there is no memory:
// then the text that is returned does not fit.
template <typename Allocate, typename Render>
Text render_whole(Allocate allocate, Render render) {
  for (std::span<char> buffer;;) {
    Text text(buffer);
    render(text);
    if (text.fits()) return text;
    buffer = allocate(text.size() + text.size() / 8 + 64);  // figures grow, too
    if (buffer.empty()) return text;
  }
}

}  // namespace leastwise

#endif  // LEASTWISE_TEXT_H_
