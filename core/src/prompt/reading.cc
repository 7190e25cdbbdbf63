#include "prompt/reading.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace leastwise {
namespace {

constexpr float kMemory = 20;       // seconds
constexpr float kLongestStep = 10;  // a longer one is a stopped clock, or a dead process
constexpr float kAnswers = 1 - 1.0F / 64;
// `room` follows what servers say in steps of its own size: large ones at first, and then so small
// that it hardly moves by chance. Of what was sent long ago one in three may turn out to be gone.
constexpr float kFirstStep = 0.1F, kLastStep = 0.02F, kFewLessons = 8;
constexpr Mark kOld = 5;
constexpr float kLeastRoom = 65536, kMostRoom = 1e9F;

std::uint64_t word_of(Pace pace) noexcept {
  return std::uint64_t{std::bit_cast<std::uint32_t>(pace.amount)} << 32 |
         std::bit_cast<std::uint32_t>(pace.seconds);
}

bool is_sane(float value) noexcept { return value >= 0 && value < 1e18F; }

// Time passed since the last step, up to now.
float step(Reading& reading, TimePoint now) noexcept {
  const std::int64_t us = now.time_since_epoch().count();
  const std::int64_t before = reading.touched_us.take(us);
  return std::clamp(static_cast<float>(us - before) * 1e-6F, 0.0F, kLongestStep * kMemory);
}

Pace after(Pace pace, float passed, bool was_busy) noexcept {
  const float left = std::exp(-passed / kMemory);
  pace.amount *= left;
  pace.seconds = pace.seconds * left + (was_busy ? std::min(passed, kLongestStep) : 0);
  return pace;
}

}  // namespace

Pace pace_of(std::uint64_t word) noexcept {
  const Pace pace{.amount = std::bit_cast<float>(static_cast<std::uint32_t>(word >> 32)),
                  .seconds = std::bit_cast<float>(static_cast<std::uint32_t>(word))};
  return is_sane(pace.amount) && is_sane(pace.seconds) ? pace : Pace{};
}

Pace pace_now(const Reading& reading, std::uint64_t pending_word, TimePoint now) noexcept {
  const std::int64_t us = now.time_since_epoch().count() - reading.touched_us.get();
  const float passed = std::clamp(static_cast<float>(us) * 1e-6F, 0.0F, kLongestStep * kMemory);
  return after(pace_of(reading.read.get()), passed, pending::prompts(pending_word) != 0);
}

void begin_reading(Reading& reading, std::uint32_t bytes, TimePoint now) noexcept {
  const bool was_busy = pending::prompts(reading.pending.add(pending::of(bytes))) != 0;
  const float passed = step(reading, now);
  reading.read.update(
      [&](std::uint64_t word) noexcept { return word_of(after(pace_of(word), passed, was_busy)); });
}

void end_reading(Reading& reading, std::uint32_t bytes, bool is_read, TimePoint now) noexcept {
  reading.pending.update(
      [&](std::uint64_t word) noexcept { return pending::minus(word, pending::of(bytes)); });
  const float passed = step(reading, now);
  reading.read.update([&](std::uint64_t word) noexcept {
    Pace pace = after(pace_of(word), passed, true);
    if (is_read) pace.amount += static_cast<float>(bytes);
    return word_of(pace);
  });
}

void add_written(Reading& reading, float bytes, float seconds) noexcept {
  reading.written.update([&](std::uint64_t word) noexcept {
    Pace pace = pace_of(word);
    pace.amount = pace.amount * kAnswers + bytes;
    pace.seconds = pace.seconds * kAnswers + seconds;
    return word_of(pace);
  });
}

void fill(Reading& reading, std::uint32_t bytes, std::array<Cell<Stamp>, Reading::kMarks>& marks,
          Holders::One& holder, TimePoint now) noexcept {
  const auto more = static_cast<std::int32_t>(std::min<std::uint32_t>(bytes, INT32_MAX / 4));
  if (reading.left_of_mark.add(-more) > more) return;
  const float room = reading.room.get();
  const float known = room >= kLeastRoom && room <= kMostRoom ? room : kUsualRoom;
  reading.left_of_mark.set(static_cast<std::int32_t>(known / Reading::kMarks));
  const Stamp old = marks[reading.mark.add(1) % Reading::kMarks].take(stamp_of(now));
  holder.mark.add(1);
  if (is_before(holder.since.get(), old)) holder.since.set(old);
}

// That something was there which was sent of late says nothing of how long things stay, and that it
// was not there when it was just sent says that it was not read yet.
void learn_room(Reading& reading, bool had_it, Mark age) noexcept {
  if (had_it ? age < kOld : age == 0) return;
  const auto before = static_cast<float>(reading.lessons.add(1));
  const float step = std::max(kLastStep, kFirstStep / (1 + before / kFewLessons));
  reading.room.update([=](float room) noexcept {
    const float known = room >= kLeastRoom && room <= kMostRoom ? room : kUsualRoom;
    return std::clamp(known * (had_it ? 1 + step / 2 : 1 - step), kLeastRoom, kMostRoom);
  });
}

}  // namespace leastwise
