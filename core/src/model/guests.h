// Guests: whether requests that stay long delay those that come after them.
#ifndef LEASTWISE_SRC_MODEL_GUESTS_H_
#define LEASTWISE_SRC_MODEL_GUESTS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "words/routes.h"

namespace leastwise {

// A long poll, a tunnel or a stream of news keeps a place at its server for minutes and takes
// nothing of it; a token stream keeps a slot. Only the answers of others tell which: if it is in
// front of them, they wait for it or they do not. So for each long route two accounts of those
// answers are compared, one with its requests as a queue, one without; each is a mixture over how
// many requests a server runs at once, and whether it shares itself out among them.
//
// Written by the holder of the tick only. All-zero memory knows nothing. Damage is forgotten.
class Guests {
 public:
  struct Observation {
    double took;  // of an answer, for a server of slowness 1
    double cost;  // of its route
    double mean_cost;
    double spread;                  // φ
    double with, ahead_with;        // in front, and what one of them costs: guests and all,
    double without, ahead_without;  // and without them
  };

  // An answer of whoever came after guests of this route.
  void add(std::size_t route, const Observation& o) noexcept;
  // Log of the odds that they delay others.
  double odds(std::size_t route) const noexcept;
  void forget(std::size_t route) noexcept { rows_[route] = {}; }

 private:
  static constexpr std::size_t kSlots = 7;                  // 1, 2, 4 … 64
  static constexpr std::size_t kServers = 2 * kSlots;       // first come first served, and sharing
  static constexpr std::size_t kHypotheses = 2 * kServers;  // without the guests, and with them
  using Account = std::array<float, kHypotheses>;

  struct Row {
    float delay = 0;     // of the answers
    Account work{};      // predicted for them
    Account evidence{};  // log-likelihoods
  };

  static void predict(const Observation& o, Account& predicted) noexcept;

  std::array<Row, Routes::kSlots + 1> rows_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_GUESTS_H_
