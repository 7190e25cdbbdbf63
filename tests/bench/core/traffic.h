// Traffic: picks and finishes on a pool, as one thread of a front end makes them, for measuring.
//
// Two requests are in flight for each endpoint; each pick finishes the oldest. Answer times are
// uniform within 1…21 ms, routes are five.
#ifndef LEASTWISE_TESTS_BENCH_CORE_TRAFFIC_H_
#define LEASTWISE_TESTS_BENCH_CORE_TRAFFIC_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/picker.h"
#include "leastwise/pool.h"

namespace leastwise::bench {

inline void require(bool ok) {
  if (!ok) std::abort();
}

struct alignas(64) Line : std::array<std::byte, 64> {};
inline std::span<std::byte> bytes(std::vector<Line>& lines) {
  return std::as_writable_bytes(std::span(lines));
}

// A pool that all threads share.
class SharedPool {
 public:
  explicit SharedPool(std::size_t endpoints) : memory_(Pool::bytes_for(endpoints) / 64 + 1) {
    require(Pool::create(bytes(memory_), endpoints, pool_).ok());
    for (std::size_t i = 0; i < endpoints; ++i) {
      const EndpointId id = pool_.add("bench/" + std::to_string(i));
      pool_.configure(id, {});
      members_.push_back({.id = id});
    }
  }
  Pool& pool() { return pool_; }
  const std::vector<Member>& members() const { return members_; }

 private:
  std::vector<Line> memory_;
  Pool pool_;
  std::vector<Member> members_;
};

// One thread's.
class Traffic {
 public:
  Traffic(SharedPool& shared, std::string_view policy, std::uint32_t thread)
      : pool_(shared.pool()),
        memory_(Picker::bytes_for(shared.members().size()) / 64 + 1),
        open_(2 * shared.members().size()),
        rng_(thread + 1) {
    config_.policy = find_policy(policy);
    require(config_.policy != nullptr);
    const ProcessSlot slot = pool_.join({.pid = thread + 1}, [](Incarnation) { return true; });
    require(
        Picker::create(pool_, slot, shared.members(), bytes(memory_), thread + 1, picker_).ok());
  }

  // Until the pool has learned, and the picker has looked at every member.
  void warm_up() {
    const std::size_t requests = 3 * open_.size() + 5000;
    for (std::size_t i = 0; i < requests; ++i) {
      step();
      if (i % 100 == 0) {
        now_ += Pool::kTickPeriod;
        pool_.tick(config_, now_);
      }
    }
  }

  // One pick, and the finish of an earlier one. Returns the member.
  MemberIndex step() {
    now_ += Duration(100);
    Ticket& ticket = open_[next_];
    if (++next_ == open_.size()) next_ = 0;
    const Duration took(1000 + rng_.below(20000));
    if (ticket) {
      picker_.finish(config_, ticket, {.result = Result::kOk, .status = 200, .occupied = took},
                     now_);
    }
    Tried tried;
    ticket = picker_.pick(config_, {.route = 1 + rng_.below(5), .in_flight = {}}, tried, now_);
    return ticket.member;
  }

 private:
  Config config_;
  Pool pool_;
  std::vector<Line> memory_;
  Picker picker_;
  std::vector<Ticket> open_;
  std::size_t next_ = 0;
  Rng rng_;
  TimePoint now_{std::chrono::hours(5)};
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_CORE_TRAFFIC_H_
