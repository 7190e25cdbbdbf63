// PoolFixture: a pool of N endpoints, one picker, and time that moves by hand.
#ifndef LEASTWISE_TESTS_CORE_POOL_FIXTURE_H_
#define LEASTWISE_TESTS_CORE_POOL_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "leastwise/picker.h"
#include "leastwise/pool.h"

namespace leastwise {

inline bool everybody_lives(Incarnation) { return true; }
inline bool nobody_lives(Incarnation) { return false; }

// Memory as a front end gives it: aligned, and full of old values.
class Memory {
 public:
  explicit Memory(std::size_t bytes) : words_(bytes / 64 + 1, Line{}) {
    for (Line& line : words_) line.fill(std::byte{0xa5});
    bytes_ = bytes;
  }
  std::span<std::byte> span() { return {words_[0].data(), bytes_}; }

 private:
  struct alignas(64) Line : std::array<std::byte, 64> {};
  std::vector<Line> words_;
  std::size_t bytes_;
};

class PoolFixture : public ::testing::Test {
 protected:
  static constexpr TimePoint kStart{std::chrono::hours(5)};

  // Weights of the members; negative = a backup of that weight.
  void make(const std::vector<int>& weights, std::size_t capacity = 0) {
    if (capacity == 0) capacity = std::max<std::size_t>(16, 2 * weights.size());
    memory_ = Memory(Pool::bytes_for(capacity));
    ASSERT_TRUE(Pool::create(memory_.span(), capacity, pool_).ok());
    slot_ = pool_.join({.pid = 1}, everybody_lives);
    members_.clear();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const EndpointId id = pool_.add("http/test/10.0.0." + std::to_string(i) + ":80");
      ASSERT_NE(id, kNoEndpoint);
      EndpointSettings settings;
      settings.weight = static_cast<std::uint32_t>(std::abs(weights[i]));
      pool_.configure(id, settings);
      members_.push_back({.id = id, .backup = weights[i] < 0});
    }
    picker_memory_ = Memory(Picker::bytes_for(members_.size()));
    ASSERT_TRUE(Picker::create(pool_, slot_, members_, picker_memory_.span(), 1, picker_).ok());
  }

  void use(std::string_view policy) {
    config_.policy = find_policy(policy);
    ASSERT_NE(config_.policy, nullptr);
  }

  Ticket pick(std::uint64_t route = 0) {
    Tried tried;
    return picker_.pick(config_, {.route = route, .in_flight = {}}, tried, now_);
  }

  void finish(const Ticket& ticket, Result result = Result::kOk, Duration took = {}) {
    if (took == Duration{}) took = now_ - ticket.start;
    picker_.finish(config_, ticket, {.result = result, .status = 200, .occupied = took}, now_);
  }

  // One request after another: picks, lets time pass, finishes. Letters by member.
  std::string sequence(int requests, Duration took = std::chrono::milliseconds(1)) {
    std::string letters;
    for (int i = 0; i < requests; ++i) {
      const Ticket t = pick();
      letters += t ? static_cast<char>('a' + t.member) : '-';
      now_ += took;
      finish(t, Result::kOk, took);
    }
    return letters;
  }

  // How often each member is picked when nothing ever finishes.
  std::vector<int> spread(int requests) {
    std::vector<int> hits(members_.size());
    for (int i = 0; i < requests; ++i) {
      if (const Ticket t = pick()) ++hits[t.member];
    }
    return hits;
  }

  EndpointView view(std::size_t member) { return pool_.view(members_[member].id, config_, now_); }
  void settle(std::size_t member, const EndpointSettings& s) {
    pool_.configure(members_[member].id, s);
  }
  bool tick() {
    now_ += Pool::kTickPeriod;
    return pool_.tick(config_, now_);
  }

  Memory memory_{64};
  Memory picker_memory_{64};
  Pool pool_;
  Picker picker_;
  ProcessSlot slot_{};
  std::vector<Member> members_;
  Config config_;
  TimePoint now_ = kStart;
};

}  // namespace leastwise

#endif  // LEASTWISE_TESTS_CORE_POOL_FIXTURE_H_
