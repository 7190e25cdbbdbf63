#include "learn/slowness.h"

#include <algorithm>

#include "leastwise/decay.h"
#include "words/estimates.h"

namespace leastwise::state {
namespace {

constexpr float kSlow = 1.5F;   // times the pool's delay
constexpr float kHarm = 0.01F;  // of the pool's delay that trials may cost, all together
constexpr std::int32_t kDoublings = 4;
constexpr std::int32_t kPatience = 8;  // trials of who was well, before its wait doubles
constexpr float kProof = 16;           // answers that show that it was
constexpr float kWorth = 2;            // answers, that what was known counts for in a trial
constexpr float kSurprise = 0.7F;      // of what was expected
// Who was never asked counts as a little faster than the fastest, at most as twice as fast as the
// pool, so that it is asked: where most are idle, it would otherwise wait behind all that were
// found a little faster than others.
constexpr float kEager = 0.9F;
constexpr float kMostEager = 0.5F;
// Of the mean endpoint's answers, which one needs to have a say in how alike those are that most
// requests go to. Who is slow gets few, and these few do not tell yet that it is none of them.
constexpr double kAsked = 0.2;

// How many times the pool's delay a request to endpoint i is expected to take. What it seems to be
// farther away than it once was is slowness, too.
float delay_of(const Shared& shared, std::size_t i) noexcept {
  const Plan& plan = shared->plan();
  const float g = shared.hot()[i].slowness.get();
  const float mean = plan.mean_cost.get() * plan.slowness.get();
  const Distance::Endpoint& base = shared.learned()[i].base;
  const bool may_grow = mean > 0 && !shared->model.base().by_round_trips();
  const float grown = may_grow && base.fastest > base.least ? base.fastest - base.least : 0;
  return (g > 0 ? g / plan.slowness.get() : 1) + (grown > 0 ? grown / mean : 0);
}

bool is_on_trial(const Shared& shared, std::size_t i) noexcept {
  return shared.records()[i].trial.get() > 0;
}

// `slow`: how many endpoints are, among which the harm is shared out.
bool is_trial_due(const Shared& shared, std::size_t i, float slow,
                  std::uint64_t answered) noexcept {
  const Silence& silence = shared.learned()[i].silence;
  const float delay = delay_of(shared, i);
  const float answers = std::min((delay - 1) * slow / kHarm, 1e9F);
  const auto due = static_cast<std::uint64_t>(std::max(answers, 0.0F))
                   << std::clamp(silence.trials, 0, kDoublings);
  return delay > kSlow && silence.lasts_answers(answered) >= due && takes_part(shared, i);
}

// What an endpoint on trial counts as, so that it is asked: one of those that most requests go to.
float on_trial(const Plan& plan) noexcept {
  return std::min(plan.slowness.get(), plan.centre.get());
}

void start_trial(const Shared& shared, std::size_t i) noexcept {
  Hot& hot = shared.hot()[i];
  Learned& learned = shared.learned()[i];
  ++learned.silence.trials;
  shared.records()[i].trial.set(hot.slowness.get());
  hot.slowness.set(on_trial(shared->plan()));
  Distance::Endpoint& base = learned.base;
  if (!(base.fastest > base.least) || shared->model.base().by_round_trips()) return;
  hot.base.set(std::max(0.0F, hot.base.get() - (base.fastest - base.least)));
  shared.records()[i].fastest.set(0);
  base.fastest = base.least;
  base.answers = 0;
}

// Slow from its first answer on, or far away: where the fastest answers stand for the distance,
// nobody can tell before it is asked. Seldom, since who is far away costs the way each time.
bool is_distant_due(const Shared& shared, const Config& config, std::size_t i,
                    std::uint64_t answered, std::int64_t now_ms) noexcept {
  const Plan& plan = shared->plan();
  const Silence& silence = shared.learned()[i].silence;
  return !shared->model.base().by_round_trips() &&
         shared.hot()[i].base.get() > 2 * plan.mean_cost.get() * plan.slowness.get() &&
         silence.lasts_answers(answered) >= Silence::kAnswersEach * shared->endpoints.get() &&
         silence.lasts_ms(now_ms) >= Silence::kDecays * config.decay.count() / 1000;
}

// Takes an endpoint for one of the pool's mean, and as near as any.
void believe_again(const Shared& shared, std::size_t i) noexcept {
  Hot& hot = shared.hot()[i];
  hot.speed.set(0);
  hot.slowness.set(0);
  shared.records()[i].fastest.set(0);
  hot.base.set(0);
  shared.records()[i].trial.set(0);
  shared.learned()[i].base = {};
}

// g of those that were never asked, given the least of the others; 0 = unknown when nobody was.
float unasked(float least, const Plan& plan) noexcept {
  return least > 0 ? std::max(kEager * least, kMostEager * plan.slowness.get()) : 0;
}

void invite(const Shared& shared, std::size_t i, float slowness) noexcept {
  Hot& hot = shared.hot()[i];
  if (hot.speed.get() != 0) return;
  const bool was_asked = shared.records()[i].picks.get() != 0;
  hot.slowness.set(was_asked || !takes_part(shared, i) ? 0 : slowness);
}

void try_again(const Shared& shared, const Config& config, std::size_t i, float slow,
               std::int64_t now_ms) noexcept {
  const Hot& hot = shared.hot()[i];
  const std::uint64_t answered = shared->model.samples() + shared->samples_lost.get();
  if (load::in_flight(hot.load.get()) != 0) return;
  if (hot.speed.get() != 0 && !is_on_trial(shared, i) && is_trial_due(shared, i, slow, answered)) {
    return start_trial(shared, i);
  }
  if (is_distant_due(shared, config, i, answered, now_ms)) believe_again(shared, i);
}

// Answers that an endpoint has on average, as many as still count.
double answers_each(const Shared& shared, const Decay& decay, float mean) noexcept {
  double answers = 0;
  double endpoints = 0;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    const std::uint64_t word = shared.hot()[i].speed.get();
    if (word == 0 || !takes_part(shared, i)) continue;
    const Speed s = speed::unpack(word);
    answers += double{s.work * decay.left(s.epoch) / mean};
    endpoints += 1;
  }
  return endpoints > 0 ? answers / endpoints : 0;
}

}  // namespace

void renew_prior(const Shared& shared, const Config& config, TimePoint now) noexcept {
  const float mean = shared->plan().mean_predicted.get();
  if (!(mean > 0)) return;
  Decay decay;
  decay.set(config.decay, now);
  const Plan& plan = shared->plan();
  const double fewest = kAsked * answers_each(shared, decay, mean);
  Prior::Sums all;
  Prior::Sums alike;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    const std::uint64_t word = shared.hot()[i].speed.get();
    if (word == 0 || !takes_part(shared, i)) continue;
    const Speed s = speed::unpack(word);
    const float left = decay.left(s.epoch);
    const double g = double{s.delay} / double{s.work};
    const double answers = double{s.work * left / mean};
    all.add(g, answers);
    if (answers >= fewest && is_alike(s.work * left, s.delay * left, plan)) alike.add(g, answers);
  }
  shared->model.prior().renew(all, alike, shared->model.spread());
}

void renew_slowness(const Shared& shared, const Config& config, TimePoint now) noexcept {
  Decay decay;
  decay.set(config.decay, now);
  const Plan& plan = shared->plan();
  if (!(plan.mean_cost.get() > 0)) return;
  float slow = 0;
  float least = 0;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Hot& hot = shared.hot()[i];
    const std::uint64_t word = hot.speed.get();
    if (word == 0) continue;
    if (is_on_trial(shared, i)) {
      // Until it is asked, others may have become faster than those that it was like.
      hot.slowness.set(on_trial(plan));
      continue;
    }
    // Without answers it moves towards the pool's.
    const Speed s = speed::unpack(word);
    hot.slowness.set(slowness(s, decay.left(s.epoch), plan));
    if (takes_part(shared, i) && !(least > 0 && least <= hot.slowness.get())) {
      least = hot.slowness.get();
    }
    if (delay_of(shared, i) > kSlow) {
      slow += 1;
    } else if (s.work * decay.left(s.epoch) >= kProof * plan.mean_predicted.get()) {
      shared.learned()[i].silence.trials = -kPatience;
    }
  }
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    try_again(shared, config, i, slow, milliseconds(now));
    invite(shared, i, unasked(least, plan));
  }
}

Speed doubted(Speed speed, float left, const Plan& plan) noexcept {
  const float most = kWorth * plan.mean_predicted.get();
  if (!(speed.work * left > most)) return speed;
  const float kept = most / (speed.work * left);
  speed.work *= kept;
  speed.delay *= kept;
  return speed;
}

void end_trial(Hot& hot, Record& record, const Answer& answer, const Plan& plan) noexcept {
  const bool is_surprise = answer.took < kSurprise * answer.slowness_before * answer.predicted;
  if (!is_surprise || !(answer.slowness > plan.slowness.get())) return;
  record.trial.set(answer.slowness);
  hot.slowness.set(on_trial(plan));
}

}  // namespace leastwise::state
