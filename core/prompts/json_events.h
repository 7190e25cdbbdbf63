// JSON events: what Boost.JSON's parser calls, made smaller. Where a value stands is told by its
// depth and the last key of its object; strings and numbers come in parts, and no part is kept.
//
// A reader derives from it and hides what it wants:
//   void on_name(std::string_view key)     a key of an object; one above 64 bytes is kLongKey
//   void on_open(), on_close()             an object or array; depth() counts it in both
//   void on_part(std::string_view text)    of a string or, as it is written, of a number
//   void on_end(Scalar kind)               of a string, a number, true, false or null
//   void on_integer(std::uint64_t value)   before on_end, of a number that is one
#ifndef LEASTWISE_PROMPTS_JSON_EVENTS_H_
#define LEASTWISE_PROMPTS_JSON_EVENTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <boost/json/basic_parser_impl.hpp>

namespace leastwise {

enum class Scalar : std::uint8_t { kString, kNumber, kOther };

template <typename Reader>
class JsonEvents {
 public:
  // The parser's own limits: those of one document are the caller's bytes.
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::string_view kLongKey = "\xff";

  std::uint32_t depth() const noexcept { return depth_; }
  // Whether the innermost container is an object.
  bool is_object() const noexcept { return (objects_ >> (depth_ & 63) & 1) != 0; }

  // Before another document, also after one that broke off.
  void restart() noexcept {
    depth_ = 0;
    key_size_ = 0;
    is_key_ = false;
  }

  // More of the string that the parser is in the middle of (json_feed.h).
  void add_text(std::string_view part) {
    if (is_key_) {
      add_to_key(part);
    } else {
      reader().on_part(part);
    }
  }

  using Error = boost::json::error_code;
  using Text = boost::json::string_view;

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return open(true); }
  bool on_array_begin(Error&) { return open(false); }
  bool on_object_end(std::size_t, Error&) { return close(); }
  bool on_array_end(std::size_t, Error&) { return close(); }
  bool on_key_part(Text part, std::size_t, Error&) {
    is_key_ = true;
    add_to_key({part.data(), part.size()});
    return true;
  }
  bool on_key(Text part, std::size_t, Error&) {
    add_to_key({part.data(), part.size()});
    const bool fits = key_size_ <= key_.size();
    reader().on_name(fits ? std::string_view(key_.data(), key_size_) : kLongKey);
    key_size_ = 0;
    return true;
  }
  bool on_string_part(Text part, std::size_t, Error&) {
    is_key_ = false;
    reader().on_part({part.data(), part.size()});
    return true;
  }
  bool on_string(Text part, std::size_t, Error&) {
    reader().on_part({part.data(), part.size()});
    reader().on_end(Scalar::kString);
    return true;
  }
  bool on_number_part(Text part, Error&) {
    reader().on_part({part.data(), part.size()});
    return true;
  }
  bool on_int64(std::int64_t value, Text part, Error& e) {
    if (value >= 0) return on_uint64(static_cast<std::uint64_t>(value), part, e);
    return end_number(part);
  }
  bool on_uint64(std::uint64_t value, Text part, Error&) {
    reader().on_integer(value);
    return end_number(part);
  }
  bool on_double(double, Text part, Error&) { return end_number(part); }
  bool on_bool(bool, Error&) { return end_other(); }
  bool on_null(Error&) { return end_other(); }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

 private:
  Reader& reader() noexcept { return static_cast<Reader&>(*this); }
  bool open(bool is_object) {
    ++depth_;
    const std::uint64_t bit = std::uint64_t{1} << (depth_ & 63);
    objects_ = is_object ? objects_ | bit : objects_ & ~bit;
    reader().on_open();
    return true;
  }
  bool close() {
    reader().on_close();
    --depth_;
    return true;
  }
  bool end_number(Text part) {
    reader().on_part({part.data(), part.size()});
    reader().on_end(Scalar::kNumber);
    return true;
  }
  bool end_other() {
    reader().on_end(Scalar::kOther);
    return true;
  }
  void add_to_key(std::string_view part) noexcept {
    if (key_size_ <= key_.size() && part.size() <= key_.size() - key_size_) {
      std::memcpy(key_.data() + key_size_, part.data(), part.size());
      key_size_ += part.size();
    } else {
      key_size_ = key_.size() + 1;
    }
  }

  std::uint64_t objects_ = 0;  // a bit a level, of the 63 that kDeepest allows
  std::uint32_t depth_ = 0;
  bool is_key_ = false;  // what the last part was of
  std::size_t key_size_ = 0;
  std::array<char, 64> key_;
};

// Deeper than any API's. What is deeper is not read on.
inline constexpr std::size_t kDeepest = 60;

inline boost::json::parse_options json_options() noexcept {
  boost::json::parse_options options;
  options.max_depth = kDeepest;
  // What a server makes of it is the server's.
  options.allow_invalid_utf8 = true;
  return options;
}

}  // namespace leastwise

#endif  // LEASTWISE_PROMPTS_JSON_EVENTS_H_
