// Elsewhere: what a request of control says that other balancers have in flight, as JSON:
//
//   {"balancers": 3, "count": true, "servers": {"10.0.0.1:8080": [2.5, 0.012]}}
//
// Of each server the requests there and seconds of their work, of all other balancers together; the
// work is checked, and no more than that. One that is not named has none; one that the pool does
// not have is left out: it may just have gone.
// Refused as a whole: what is no JSON, keys that are not known or come twice, values of another
// type or out of range. The text of an error names what is accepted.
#ifndef LEASTWISE_CORE_CONTROL_ELSEWHERE_H_
#define LEASTWISE_CORE_CONTROL_ELSEWHERE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "leastwise/pool.h"
#include "leastwise/text.h"

namespace leastwise::control {

inline constexpr std::size_t kMostElsewhere = 512 * 1024;  // bytes
inline constexpr std::uint32_t kMostBalancers = 255;

struct ThereElse {
  float requests = 0;
  bool is_said = false;
};

struct Elsewhere {
  std::uint32_t balancers = 0;  // who have it
  bool counts = false;          // `adaptive` goes by it
  std::uint32_t known = 0;      // servers that were named and are there
};

// The pool's endpoints have names of `prefix` and an address. `servers` has Pool::capacity() parts
// as they are by default, and gets what is said of each endpoint. False, and why, when the text is
// refused.
bool read_elsewhere(const Pool& pool, std::string_view prefix, std::string_view text,
                    std::span<ThereElse> servers, Elsewhere& out, Text& error) noexcept;

// Tells the pool. By one process at a time.
void tell_elsewhere(Pool& pool, std::span<const ThereElse> servers, const Elsewhere& elsewhere,
                    TimePoint now) noexcept;

// What is in flight at each server: {"10.0.0.1:8080":[3,0.012],…}.
void render_in_flight(const Pool& pool, Text& out) noexcept;

}  // namespace leastwise::control

#endif  // LEASTWISE_CORE_CONTROL_ELSEWHERE_H_
