#include "pick/prompt_cost.h"

#include <algorithm>

namespace leastwise {
namespace {

constexpr float kPaceMemory = 20;  // seconds, as in reading.cc
constexpr float kPrior = 40960;    // bytes at the pool's pace that a server's own is shrunk by
constexpr float kPriorWritten = 8192;

// Times the pool's pace: a server's own counts for as much as it is further off than that. The
// paces of equals differ by chance, and a prompt that leaves its cache for such a difference is
// read twice, and drives out what others have cached.
constexpr float kAlike = 1.4F;

// Prices, in seconds of this request's own first token. Found by simulation (tests/sim/inference).
constexpr float kPatience = 1;       // seconds of waiting that are twice as bad
constexpr float kWriting = 0.1F;     // a second of writing
constexpr float kOthers = 0.6F;      // a second by which each of the others is delayed
constexpr float kMostCrowding = 10;  // times that, when the pool is full
// Bytes that a prompt there counts for, in reading or answering, once there are many: it takes up
// memory and a place in each step. Past what the pool can carry that is what is short. Where few
// are there neither is, and a copy more of a hot prompt, made to be beside fewer, drives out
// others.
constexpr float kPlace = 4000;
constexpr float kMany = 32;

float beyond_chance(float pace, float usual) noexcept {
  if (pace > usual * kAlike) return pace / kAlike;
  return pace * kAlike < usual ? pace * kAlike : usual;
}

}  // namespace

Readers::Readers(const PickContext& context, const state::Prompts& prompts) noexcept {
  look_up(context, prompts);
  learn_paces(context, prompts);
}

void Readers::look_up(const PickContext& context, const state::Prompts& prompts) noexcept {
  const Prompt* prompt = context.request.prompt;
  const auto members = context.all();
  Residency::Lengths lengths{};
  std::array<std::uint8_t, PickContext::kMost> bits{};
  std::uint64_t among = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const unsigned bit = prompts.bit_of(index(context.members[members[i]].id));
    bits[i] = static_cast<std::uint8_t>(bit);
    among |= std::uint64_t{1} << bit;
  }
  if (prompt != nullptr) prompts.residency().expect(*prompt, among, lengths);
  for (std::size_t i = 0; i < members.size(); ++i) {
    Reader& reader = readers_[i];
    reader = {};
    const std::uint32_t bytes = prompt != nullptr ? prompt->bytes : kUsualPromptBytes;
    const std::uint32_t cached = std::min(lengths[bits[i]], bytes);
    reader.cached = static_cast<float>(cached);
    reader.uncached = static_cast<float>(std::max(bytes - cached, kLeastBytes));
    least_ = i == 0 ? reader.uncached : std::min(least_, reader.uncached);
  }
}

void Readers::learn_paces(const PickContext& context, const state::Prompts& prompts) noexcept {
  const auto members = context.all();
  std::array<Pace, PickContext::kMost> read, written;
  Pace all_read, all_written;
  for (std::size_t i = 0; i < members.size(); ++i) {
    Reader& reader = readers_[i];
    const Reading& reading = prompts.readings()[index(context.members[members[i]].id)];
    const std::uint64_t pending = reading.pending.get();
    const auto in_flight = static_cast<float>(context.in_flight(members[i]));
    reader.waiting = static_cast<float>(pending::prompts(pending));
    reader.pending = pending::bytes(pending);
    if (reader.waiting > in_flight) {  // the dead do not wait
      reader.pending *= in_flight / reader.waiting;
      reader.waiting = in_flight;
    }
    reader.writing = in_flight - reader.waiting;
    read[i] = pace_now(reading, pending, context.now);
    written[i] = pace_of(reading.written.get());
    all_read.amount += read[i].amount;
    all_read.seconds += read[i].seconds;
    all_written.amount += written[i].amount;
    all_written.seconds += written[i].seconds;
    busy_ += std::min(read[i].seconds / kPaceMemory, 1.0F);
  }
  busy_ /= static_cast<float>(members.size());
  const float usual = all_read.amount > 0 ? all_read.seconds / all_read.amount : kUsualPace;
  const float writing = all_written.amount > 0 ? all_written.seconds / all_written.amount : 0;
  // An answer's bytes: sums of 64 answers at most.
  const float answer = all_written.amount / (64 * static_cast<float>(members.size()));
  for (std::size_t i = 0; i < members.size(); ++i) {
    Reader& reader = readers_[i];
    const float pace = (read[i].seconds + kPrior * usual) / (read[i].amount + kPrior);
    reader.pace = beyond_chance(pace, usual);
    reader.writes = answer * (written[i].seconds + kPriorWritten * writing) /
                    (written[i].amount + kPriorWritten);
  }
}

float Readers::cost(std::size_t at) const noexcept {
  const Reader& r = readers_[at];
  const float own = (r.pending + r.uncached + static_cast<float>(kEachBytes)) * r.pace;
  const float crowding = std::min(1 / std::max(1 - busy_, 1e-3F), kMostCrowding);
  // Of what it reads only that counts against others which another server need not.
  const float spared = kOthers * crowding * (r.uncached - least_);
  const float prompts = r.waiting + r.writing;
  const float place = kPlace * std::min(prompts / kMany, 1.0F);
  return own * (1 + own / kPatience) + kWriting * r.writes + (place + spared) * r.pace * prompts;
}

}  // namespace leastwise
