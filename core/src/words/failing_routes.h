// FailingRoutes: which kinds of requests fail wherever they are sent.
#ifndef LEASTWISE_SRC_WORDS_FAILING_ROUTES_H_
#define LEASTWISE_SRC_WORDS_FAILING_ROUTES_H_

#include <array>
#include <cstdint>

#include "leastwise/outcome.h"
#include "words/cell.h"
#include "words/routes.h"

namespace leastwise {

// Failures that a request can bring about itself are alike when they are of one kind. Refusing a
// connection is none of them: the server did so before it knew the request.
enum class Fault : std::uint8_t { kServers, kError, kSilence, kBreak };

constexpr Fault fault(Result result) noexcept {
  switch (result) {
    case Result::kServerError:
      return Fault::kError;
    case Result::kTimeout:
      return Fault::kSilence;
    case Result::kReset:
    case Result::kTruncated:
      return Fault::kBreak;
    default:
      return Fault::kServers;
  }
}

// For each slot of Routes: which endpoint failed last, and whether another one had failed alike
// before it, with no good answer of the route in between. Nothing is known of requests that are not
// told apart. A slot that was given to another route tells of the old one for a minute at most, and
// until the new one's first good answer.
//
// By every process; two that write at once lose one of the two failures.
class FailingRoutes {
 public:
  static constexpr std::int64_t kRememberedMs = 60'000;

  // Takes in a failure; whether the route fails everywhere, as far as is known. O(1).
  bool add(std::uint16_t slot, std::uint32_t endpoint, Fault fault, std::int64_t now_ms) noexcept {
    if (slot >= Routes::kSlots) return false;
    const Last last = unpack(words_[slot].get());
    const auto age = static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ms) - last.ms);
    const bool is_alike = last.fault == fault && age >= 0 && age <= kRememberedMs;
    const bool everywhere = is_alike && (last.everywhere || last.endpoint != endpoint);
    set(slot, {endpoint, fault, everywhere, static_cast<std::uint32_t>(now_ms)});
    return everywhere;
  }
  // A request of that route was tried elsewhere and failed alike.
  void mark(std::uint16_t slot, std::uint32_t endpoint, Fault fault, std::int64_t now_ms) noexcept {
    if (slot < Routes::kSlots) {
      set(slot, {endpoint, fault, true, static_cast<std::uint32_t>(now_ms)});
    }
  }
  // The route was answered well.
  void clear(std::uint16_t slot) noexcept {
    if (slot < Routes::kSlots && words_[slot].get() != 0) words_[slot].set(0);
  }

 private:
  struct Last {
    std::uint32_t endpoint;
    Fault fault;
    bool everywhere;
    std::uint32_t ms;  // modulo 2^32
  };
  // Zero is Fault::kServers, which no failure here is.
  static Last unpack(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word >> 32 & 0xffffff), static_cast<Fault>(word >> 56 & 3),
            (word >> 58 & 1) != 0, static_cast<std::uint32_t>(word)};
  }
  void set(std::uint16_t slot, const Last& last) noexcept {
    words_[slot].set(std::uint64_t{last.everywhere} << 58 |
                     std::uint64_t{static_cast<std::uint8_t>(last.fault)} << 56 |
                     std::uint64_t{last.endpoint & 0xffffff} << 32 | last.ms);
  }

  std::array<Cell<std::uint64_t>, Routes::kSlots> words_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_FAILING_ROUTES_H_
