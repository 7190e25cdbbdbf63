#include "learn/stall.h"

#include <algorithm>
#include <cmath>

#include "leastwise/decay.h"
#include "words/constants.h"
#include "words/estimates.h"

namespace leastwise::state {
namespace {

// All answers together took longer than before by this much at least, and by so many standard
// errors of chance; and those of nearly each endpoint that answered by a part of it.
constexpr float kLate = 0.5F;
constexpr float kSure = 6;
constexpr float kEachLate = 0.25F;
constexpr float kNearlyAll = 0.8F;
constexpr float kLeastSpread = 1;
constexpr float kFewest = 2;            // answers of an endpoint that has a say
constexpr float kKnown = 8;             // answers, by which the time before is known
constexpr std::uint32_t kLongest = 10;  // ticks in a row

// What the answers since the last tick took, and what they would have taken at the pace before.
struct Since {
  float took = 0, expected = 0, answers = 0;
  bool has_say() const noexcept { return answers >= kFewest && expected > 0; }
};

std::uint32_t answers_of(const Record& record) noexcept {
  return static_cast<std::uint32_t>(
      record.results[static_cast<std::size_t>(Result::kOk)].get() +
      record.results[static_cast<std::size_t>(Result::kTimeout)].get());
}

Since since_last(const Shared& shared, std::size_t i, const Decay& decay) noexcept {
  const Plan& plan = shared->plan();
  const Silence& seen = shared.learned()[i].silence;
  const std::uint64_t word = shared.hot()[i].speed.get();
  if (seen.word == 0 || word == 0 || word == seen.word || !takes_part(shared, i)) return {};
  const Speed before = speed::unpack(seen.word);
  const float left = decay.left(before.epoch);
  if (!(before.work * left > kKnown * plan.mean_predicted.get())) return {};
  const auto answers = static_cast<float>(answers_of(shared.records()[i]) - seen.own_answers);
  const float kept = left * std::exp(kLogForgetSample * answers);
  const Speed after = speed::unpack(word);
  const float grown = decay.left(after.epoch);
  const float work = after.work * grown - before.work * kept;
  return {.took = after.delay * grown - before.delay * kept,
          .expected = work * slowness(before, left, plan),
          .answers = answers};
}

struct Tally {
  float took = 0, expected = 0, answers = 0, endpoints = 0;
};

Tally tally(const Shared& shared, const Decay& decay) noexcept {
  Tally sum;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    const Since since = since_last(shared, i, decay);
    if (!since.has_say()) continue;
    sum.took += since.took;
    sum.expected += since.expected;
    sum.answers += since.answers;
    sum.endpoints += 1;
  }
  return sum;
}

// Whether the answers that wait to be learned from say so. A quick look: no word of any endpoint.
bool may_be_stall(const Shared& shared) noexcept {
  float took = 0;
  float expected = 0;
  for (const AnswerRing& lane : shared->lanes) {
    lane.peek([&](const Answer& answer) noexcept {
      const bool is_known = answer.predicted > 0 && answer.slowness_before > 0;
      took += is_known ? answer.took : 0;
      expected += is_known ? answer.slowness_before * answer.predicted : 0;
    });
  }
  return took > (1 + kLate / 2) * expected;
}

bool is_stall(const Shared& shared, const Decay& decay) noexcept {
  if (!may_be_stall(shared)) return false;
  const Tally all = tally(shared, decay);
  if (!(all.endpoints >= 2) || !(all.expected > 0)) return false;
  const float late = all.took / all.expected - 1;
  const float spread = std::max(kLeastSpread, static_cast<float>(shared->model.spread()));
  if (!(late > kLate) || !(late * late * all.answers > kSure * kSure * spread)) return false;
  float endpoints = 0;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    const Since since = since_last(shared, i, decay);
    endpoints +=
        since.has_say() && since.took > (1 + kEachLate * late) * since.expected ? 1.0F : 0.0F;
  }
  return endpoints >= kNearlyAll * all.endpoints;
}

}  // namespace

bool watch_stall(const Shared& shared, const Config& config, TimePoint now) noexcept {
  Decay decay;
  decay.set(config.decay, now);
  const std::int64_t us = now.time_since_epoch().count();
  const bool late = is_stall(shared, decay);
  if (!late) shared->stalled.set(0);
  const bool stall = late && shared->stalled.get() < kLongest;
  if (stall || shared->stall_ended.get() > us) shared->stall_ended.set(us);
  return stall;
}

void end_look(const Shared& shared, bool stall, std::int64_t now_ms) noexcept {
  const std::uint64_t answered = shared->model.samples() + shared->samples_lost.get();
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Hot& hot = shared.hot()[i];
    Silence& seen = shared.learned()[i].silence;
    if (stall && seen.word != 0 && hot.speed.get() != 0) hot.speed.set(seen.word);
    seen.look(hot.speed.get(), answered, now_ms);
    seen.own_answers = answers_of(shared.records()[i]);
  }
}

}  // namespace leastwise::state
