// AnswerRing: carries finished requests from the hot half to the slow one.
#ifndef LEASTWISE_SRC_WORDS_ANSWER_RING_H_
#define LEASTWISE_SRC_WORDS_ANSWER_RING_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "words/cell.h"

namespace leastwise {

// One finished request, as the model wants it. Durations in seconds.
struct Answer {
  std::uint32_t endpoint = 0;
  std::uint16_t route = 0;
  std::uint16_t guest = 0;      // route of the last that stays long of those in front
  std::uint32_t in_flight = 0;  // q, at the pick; kPlace: `took` is for how long it had its place
  std::uint32_t ms = 0;         // when it ended, modulo 2^32
  float took = 0;               // L', without the base, clipped
  float predicted = 0;          // p; 0 = picked before anything was known
  float slow_cost = 0;          // x_r' at the pick
  float ahead = 0;              // m'
  float mean_ahead = 0;         // m
  float wait = 0;               // w(q) at the pick
  float slowness_before = 0;    // g before this sample, and with it
  float slowness = 0;
  float whole = 0;          // `took`, but for the clip; 0 = not of a good answer
  std::uint16_t kind = 0;   // AnswerKind
  std::uint8_t guests = 0;  // in front: those that stay long, 255 at most,
  std::uint8_t idle = 0;    // and how many of them are not in q

  static constexpr std::uint32_t kPlace = 0xffffffff;
};

// Lossy: who writes never waits, and what comes when the ring is full is dropped. It keeps
// the oldest, not the newest: at high rates the first answers of a tick are from servers in
// all states, the last only from those with the longest queues. Each entry carries the exclusive or
// of its words and its number, so that an entry that is half written, or written by two at once, is
// seen to be damaged and is skipped (Hyatt and Mann 2002, "A lock-less transposition-table
// implementation for parallel search"). A writer that dies in the middle blocks nobody.
//
// push() by any number of threads and processes; drain() by one at a time.
class AnswerRing {
 public:
  static constexpr std::size_t kEntries = 256;

  void push(const Answer& sample) noexcept {
    // A reader that is a little behind, or a few writers at once, may overshoot: no harm.
    if (waiting() >= kEntries) {
      dropped_.add(1);
      return;
    }
    const Words words = std::bit_cast<Words>(sample);
    // relaxed: an entry proves itself by its check word; no other memory goes with it.
    const std::uint64_t number = head_.fetch_add(1, std::memory_order_relaxed);
    Entry& entry = entries_[number % kEntries];
    for (std::size_t i = 0; i < kWords; ++i) entry.words[i].set(words[i]);
    entry.check.set(check(words, number));
  }

  // How many wait to be drained; damaged memory may make it any number.
  std::uint64_t waiting() const noexcept {
    return head_.load(std::memory_order_relaxed) - next_.get();
  }

  // Calls use(answer) for each whole answer since the last call. Returns how many were
  // lost: dropped or damaged.
  template <typename Use>
  std::uint64_t drain(Use use) noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t lost = dropped_.take(0) + look(head, use);
    next_.set(head);
    return lost;
  }

  // The same, but leaves them for drain().
  template <typename Use>
  void peek(Use use) const noexcept {
    look(head_.load(std::memory_order_relaxed), use);
  }

 private:
  // Returns how many up to `head` are damaged.
  template <typename Use>
  std::uint64_t look(std::uint64_t head, Use use) const noexcept {
    std::uint64_t next = next_.get();
    std::uint64_t lost = 0;
    if (head - next > kEntries) {
      // Also when next_ is ahead of head_: shared memory was damaged.
      next = head > kEntries ? head - kEntries : 0;
    }
    for (; next != head; ++next) {
      const Entry& entry = entries_[next % kEntries];
      Words words;
      for (std::size_t i = 0; i < kWords; ++i) words[i] = entry.words[i].get();
      if (entry.check.get() == check(words, next)) {
        use(std::bit_cast<Answer>(words));
      } else {
        ++lost;
      }
    }
    return lost;
  }

  static constexpr std::size_t kWords = sizeof(Answer) / 8;
  using Words = std::array<std::uint64_t, kWords>;
  static_assert(sizeof(Answer) == sizeof(Words));

  static std::uint64_t check(const Words& words, std::uint64_t number) noexcept {
    std::uint64_t x = ~number;  // an entry of zeros is not whole
    for (const std::uint64_t w : words) x ^= w;
    return x;
  }

  struct alignas(64) Entry {
    std::array<Cell<std::uint64_t>, kWords> words;
    Cell<std::uint64_t> check;
  };
  static_assert(sizeof(Entry) == 64);

  alignas(64) std::atomic<std::uint64_t> head_;
  alignas(64) Cell<std::uint64_t> next_;
  Cell<std::uint64_t> dropped_;
  std::array<Entry, kEntries> entries_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_ANSWER_RING_H_
