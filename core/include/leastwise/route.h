// Route: what tells cheap requests from dear ones when the user does not say: method and path,
// with what looks like an id folded into `*`.
//
//   GET /user/123/orders                   GET /user/*/orders        of the family  GET /user/
//   GET /static/app.3f9ab2c1.js            GET /static/app.*.js                     GET /static/
//   GET /v1/a0b1c2d3-…-9f8e7d6c5b4a        GET /v1/*                                GET /v1/
//
// A route's family is its method and first segment: what is expected of a route of which little is
// known. A guess that is wrong costs little: routes are bounded (words/routes.h), and who finds no
// room counts as its family.
#ifndef LEASTWISE_ROUTE_H_
#define LEASTWISE_ROUTE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leastwise {

// A route's own text and that of its family. Both come from clients: to be shown, not trusted.
struct RouteName {
  std::string_view own;     // empty: not known
  std::string_view family;  // empty: of none
};

// The default route of a request. Made for each: no allocation, O(length), and no more than
// kMostPath bytes of a path are looked at. Views of it last as long as it does.
class Route {
 public:
  static constexpr std::size_t kMostText = 95;
  static constexpr std::size_t kMostPath = 256;

  Route() noexcept {}  // leaves the text alone

  // The path as it came or decoded, without the query.
  void fold(std::string_view method, std::string_view path) noexcept;

  std::uint64_t hash() const noexcept { return hash_of(name().own); }
  RouteName name() const noexcept { return {{text_.data(), size_}, {text_.data(), family_}}; }

  // Never 0, which means "not told apart". Alike in all processes of one build.
  static std::uint64_t hash_of(std::string_view text) noexcept;

 private:
  std::size_t add_segment(std::string_view path) noexcept;
  void fold_segment(std::string_view segment) noexcept;
  void add_words(std::string_view segment) noexcept;
  void add(std::string_view text) noexcept;

  // Method, path and a little more: no segment is longer than it was.
  std::array<char, 16 + kMostPath> text_;
  std::size_t size_ = 0, family_ = 0;
};

}  // namespace leastwise

#endif  // LEASTWISE_ROUTE_H_
