// The other half of Picker: what an answer teaches.
#include <algorithm>
#include <cmath>

#include "guard/brevity.h"
#include "guard/load_report.h"
#include "learn/blame.h"
#include "learn/slowness.h"
#include "leastwise/picker.h"
#include "pick/transit.h"
#include "words/answer_time.h"
#include "words/constants.h"
#include "words/estimates.h"

namespace leastwise {
namespace {

constexpr float kLeastShare = 0.02F;  // of the time taken, left when the base is taken off
constexpr float kClip = 8;            // times the prediction: an outlier counts up to here
constexpr float kClipAfter = 8;       // samples of the endpoint

void count(state::Record& record, const Outcome& outcome) noexcept {
  record.results[static_cast<std::size_t>(outcome.result)].add(1);
  const std::size_t status_class = outcome.status / 100;
  record.responses[status_class < record.responses.size() ? status_class : 0].add(1);
  record.bytes_sent.add(outcome.bytes_sent);
  record.bytes_received.add(outcome.bytes_received);
  if (outcome.connect >= Duration::zero()) {
    record.connects.add(1);
    record.connect_us.add(static_cast<std::uint64_t>(outcome.connect.count()));
  }
  if (outcome.first_byte >= Duration::zero()) {
    record.first_bytes.add(1);
    record.first_byte_us.add(static_cast<std::uint64_t>(outcome.first_byte.count()));
  }
  if (outcome.occupied >= Duration::zero()) {
    record.occupied_us.add(static_cast<std::uint64_t>(outcome.occupied.count()));
    record.times[Histogram::bucket(outcome.occupied)].add(1);
  }
}

void learn_answer_time(state::Record& record, const Config& config, const Plan& plan, float took,
                       std::int64_t now_ms) noexcept {
  const float tau = std::max(seconds(config.decay), 1e-3F);
  const float mean = mean_answer_time(plan);
  record.answer_time.update(
      [&](std::uint64_t word) noexcept { return with_answer(word, took, tau, mean, now_ms); });
}

// Less than half of a full answer's time, for who answers with less. Like is compared with like: a
// refusal with the refusals of its route, so that nobody looks slow where they are usual; but who
// refuses at once says nothing of its speed, since nobody else may do the same there.
bool is_quick(const Routes& routes, const Ticket& ticket, const Outcome& outcome) noexcept {
  return outcome.kind != AnswerKind::kFull &&
         seconds(outcome.occupied) < 0.5F * routes.full_time(ticket.route);
}

// What the request was expected to be, now that the kind of its answer is known, in seconds of work
// and waiting. 0 when nothing is known of that kind.
float expected_of(const Routes& routes, const Ticket& ticket, AnswerKind kind) noexcept {
  const float of_kind = routes.cost_of(ticket.route, kind);
  if (!(of_kind > 0)) [[unlikely]]
    return routes.costs(ticket.route).cost > 0 ? 0 : ticket.predicted;
  return std::max(kLeastShare * ticket.predicted, ticket.predicted + (of_kind - ticket.cost));
}

// How far away a server is, is told by answers that are alike, and not by requests that stay long:
// who gets nothing else would look as far away as they are long, and get nothing else for it.
[[gnu::noinline]] bool tells_distance(const Routes& routes, const Ticket& ticket,
                                      const Outcome& outcome, const Plan& plan) noexcept {
  const float cost = routes.costs(ticket.route).cost;
  const float stays = cost > 0 ? cost : seconds(outcome.occupied);
  if (plan.learned.get() != 0 && stays > plan.long_time.get()) return false;
  return outcome.kind == AnswerKind::kFull || routes.cost_of(ticket.route, outcome.kind) > 0;
}

// What counts for who goes by the answer time itself: of a quick refusal not less than the mean.
float answer_seconds(const Routes& routes, const Ticket& ticket, const Outcome& outcome,
                     const Plan& plan) noexcept {
  const float took = seconds(outcome.occupied);
  return is_quick(routes, ticket, outcome) ? std::max(took, mean_answer_time(plan)) : took;
}

// Adds the sample to the endpoint's sums, without the way there and clipped.
[[gnu::always_inline]] inline void add_to_speed(state::Hot& endpoint, const Plan& plan,
                                                const Decay& decay, bool is_trial,
                                                Answer& sample) noexcept {
  const float took = sample.took;
  const float base = endpoint.base.get();
  const float floor = kLeastShare * took;
  const float known = endpoint.slowness.get();  // as of the last answer or tick
  sample.slowness_before = known > 0 ? known : plan.slowness.get();
  endpoint.speed.update([&](std::uint64_t word) noexcept {
    Speed s = speed::unpack(word);
    const float left = decay.left(s.epoch);
    if (is_trial) [[unlikely]] {
      s = state::doubted(s, left, plan);
      sample.slowness_before = slowness(s, left, plan);
    }
    sample.took = std::max(floor, took - base);
    if (sample.whole > 0) sample.whole = sample.took;
    if (s.work * left > kClipAfter * plan.mean_predicted.get()) {
      sample.took = std::min(sample.took, kClip * sample.slowness_before * sample.predicted);
    }
    const float old = decay.rebased(s.epoch) * kForgetSample;
    s.delay = s.delay * old + sample.took * decay.grow();
    s.work = s.work * old + sample.predicted * decay.grow();
    s.epoch = decay.epoch();
    sample.slowness = slowness(s, decay.left(s.epoch), plan);
    return speed::pack(s);
  });
  endpoint.slowness.set(sample.slowness);
}

// An answer that says nothing of speed: counts as a full one would on the mean server, in as much
// as was expected of it. The model learns from it what such answers take.
[[gnu::cold]] [[gnu::noinline]] void add_as_usual(state::Hot& endpoint, const Routes& routes,
                                                  const Plan& plan, const Decay& decay,
                                                  Answer& sample) noexcept {
  const auto route = static_cast<std::uint16_t>(sample.route);
  const float pace = routes.pace(route);
  const float usual = pace > 0 ? pace : plan.slowness.get();
  const float took = std::max(kLeastShare * sample.took, sample.took - endpoint.base.get());
  if (!(sample.predicted > 0) && usual > 0) sample.predicted = took / usual;
  sample.took = sample.predicted * usual + endpoint.base.get();
  add_to_speed(endpoint, plan, decay, false, sample);
  sample.took = took;
}

// While it waited, the answer had not begun: else the rest of it may be the client's own time.
bool says_slow(const Outcome& outcome, const Ticket& ticket, const Plan& plan) noexcept {
  if (outcome.first_byte >= Duration::zero() || !(ticket.delay > 0)) return false;
  const float waited = seconds(outcome.occupied);
  return plan.patience.get() > 0 && waited > plan.patience.get() && waited > ticket.delay;
}

// A short stay on a route whose requests never stayed long teaches the model nothing, and most are
// such. By half of what the model asks: the plan is a little older.
bool tells_place(const Routes& routes, const Plan& plan, const Ticket& ticket,
                 float beyond) noexcept {
  constexpr auto kPart = static_cast<float>(0.5 * kWatchedPlace / kLong);
  return plan.learned.get() == 0 || !(beyond <= kPart * plan.long_time.get()) ||
         routes.longs(ticket.route) != 0 || routes.stay(ticket.route) != Stay::kShort;
}

// The first answer of a route, and it took that long: who asks again at once is to find it known.
[[gnu::cold]] void meet_long(Routes& routes, std::uint16_t route, float took) noexcept {
  if (routes.costs(route).cost > 0) return;
  routes.set_costs(route, {.cost = took, .slow = took});
  routes.set_stay(route, Stay::kIdle);
}

// A fast failure says nothing of speed; a timeout says that it is at least so slow.
bool is_sample(const Outcome& outcome) noexcept {
  return (outcome.result == Result::kOk || outcome.result == Result::kTimeout) &&
         outcome.occupied > Duration::zero();
}

}  // namespace

void Picker::finish(const Config& config, const Ticket& ticket, const Outcome& outcome,
                    TimePoint now, Verdict* verdict) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  state::Hot& endpoint = shared.hot()[index(ticket.id)];
  state::Record& record = shared.records()[index(ticket.id)];
  if (ticket.load != 0) [[likely]] {
    // The ledger first: who dies in between leaves a place taken, not one too many to give.
    shared.ledger(slot_)[index(ticket.id)].add(-1);
    endpoint.load.update(
        [&](std::uint64_t word) noexcept { return load::minus(word, ticket.load); });
    if (ticket.is_guest) [[unlikely]]
      state::leave(endpoint, record, ticket);
  }
  if (outcome.kept > Duration::zero()) [[unlikely]]
    learn_place(ticket, outcome.kept - std::max(outcome.occupied, Duration::zero()));
  if (pool_.has_residency()) [[unlikely]]
    end_prompt(ticket, outcome, now);
  take_in(config, ticket, outcome, now, verdict, {endpoint, record});
}

void Picker::answered(const Config& config, Ticket& ticket, const Outcome& outcome, TimePoint now,
                      Verdict* verdict) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  state::Hot& endpoint = shared.hot()[index(ticket.id)];
  state::Record& record = shared.records()[index(ticket.id)];
  if (ticket.load != 0 && !ticket.is_guest) {
    endpoint.load.update(
        [&](std::uint64_t word) noexcept { return load::without_work(word, ticket.load); });
    ticket.load = load::kOne;
    state::enter(endpoint, record, ticket, Stay::kIdle);
  }
  if (pool_.has_residency()) [[unlikely]] {
    end_prompt(ticket, outcome, now);
    ticket.is_unread = ticket.is_reading = false;
  }
  take_in(config, ticket, outcome, now, verdict, {endpoint, record});
  ticket.start = now;  // of what release() tells
}

void Picker::release(const Config& config, const Ticket& ticket, TimePoint now) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  const std::size_t i = index(ticket.id);
  if (ticket.load != 0) {
    if (ticket.is_guest) state::leave(shared.hot()[i], shared.records()[i], ticket);
    shared.ledger(slot_)[i].add(-1);  // before the load, as in finish()
    shared.hot()[i].load.update(
        [&](std::uint64_t word) noexcept { return load::minus(word, ticket.load); });
  }
  learn_place(ticket, now - ticket.start);
  if (keeps_trees(config) && swept_ >= primaries_) renew_leaves(std::array{ticket.member}, now);
}

// For how long it had its place beyond its answer.
[[gnu::cold]] void Picker::learn_place(const Ticket& ticket, Duration beyond) noexcept {
  const state::Shared shared = pool_.shared();
  if (!tells_place(shared->routes, shared->plan(), ticket, seconds(beyond))) return;
  shared->lane(slot_).push({.endpoint = static_cast<std::uint32_t>(index(ticket.id)),
                            .route = ticket.route,
                            .in_flight = Answer::kPlace,
                            .took = seconds(beyond)});
}

// All that an outcome tells.
void Picker::take_in(const Config& config, const Ticket& ticket, const Outcome& outcome,
                     TimePoint now, Verdict* verdict, const Words& words) noexcept {
  count(words.record, outcome);
  if (config.report.is_on()) {
    state::learn_report(words.record, outcome.report, config, milliseconds(now));
  }
  learn(config, ticket, outcome, now, verdict, words);
  renew(config, ticket.member, now);
}

void Picker::learn(const Config& config, const Ticket& ticket, const Outcome& outcome,
                   TimePoint now, Verdict* verdict, const Words& words) noexcept {
  if (verdict != nullptr) verdict->begin();
  if (outcome.result == Result::kClientGone) return learn_wait(config, ticket, outcome, now);
  if (outcome.result == Result::kCancelled) return;
  const state::Shared shared = pool_.shared();
  const std::int64_t now_ms = milliseconds(now);
  if (is_failure(outcome.result)) [[unlikely]] {
    accuse(config,
           {.member = ticket.member,
            .id = ticket.id,
            .route = ticket.route,
            .result = outcome.result,
            .counts_as_fail = outcome.counts_as_fail},
           now, verdict);
  } else {
    learn_success(shared, words.hot, words.record, ticket.route, now_ms);
    if (verdict != nullptr && !verdict->empty()) [[unlikely]]
      blame_all(config, *verdict, now);
  }
  if (!is_sample(outcome)) return;
  if (config.chosen_policy().keeps_answer_time) {
    const float took = answer_seconds(shared->routes, ticket, outcome, shared->plan());
    learn_answer_time(words.record, config, shared->plan(), took, now_ms);
  }
  decay_.set(config.decay, now);
  learn_speed(words, ticket, outcome, now_ms);
}

// Only an answer that is like the others says something by its time, which is asked of the fastest
// alone. Lost to another at the same instant: the next will do.
void Picker::learn_distance(state::Record& record, const Ticket& ticket, const Outcome& outcome,
                            bool is_quick) noexcept {
  constexpr Duration kLeast{1};  // zero is unknown
  const state::Shared shared = pool_.shared();
  const float old = record.fastest.get();
  if (outcome.round_trip >= Duration::zero()) {
    const float way = seconds(std::max(outcome.round_trip, kLeast));
    if (shared->has_round_trips.get() == 0) shared->has_round_trips.set(1);
    if (!(old > 0) || way < old) record.fastest.set(way);
    return;
  }
  const float way = seconds(outcome.occupied);
  if ((old > 0 && way >= old) || is_quick || shared->has_round_trips.get() != 0) [[likely]]
    return;
  if (tells_distance(shared->routes, ticket, outcome, shared->plan())) record.fastest.set(way);
}

// Who leaves after a longer wait than nearly all answers take says that the server is slow, at
// least so slow: a censored sample. It counts as an answer of that length does, in the speed of its
// server alone; and less than was expected of this request it never says.
void Picker::learn_wait(const Config& config, const Ticket& ticket, const Outcome& outcome,
                        TimePoint now) noexcept {
  const state::Shared shared = pool_.shared();
  const Plan& plan = shared->plan();
  if (!says_slow(outcome, ticket, plan)) return;
  const float waited = seconds(outcome.occupied);
  if (config.chosen_policy().keeps_answer_time) {
    learn_answer_time(shared.records()[index(ticket.id)], config, plan, waited, milliseconds(now));
  }
  decay_.set(config.decay, now);
  Answer sample{.took = waited, .predicted = ticket.predicted};
  add_to_speed(shared.hot()[index(ticket.id)], plan, decay_, ticket.is_trial, sample);
}

void Picker::learn_speed(const Words& words, const Ticket& ticket, const Outcome& outcome,
                         std::int64_t now_ms) noexcept {
  const state::Shared shared = pool_.shared();
  state::Hot& endpoint = words.hot;
  const Plan& plan = shared->plan();
  const float took = seconds(outcome.occupied);
  const bool quick = is_quick(shared->routes, ticket, outcome);
  const bool is_good = outcome.result == Result::kOk;
  const float expected =
      ticket.predicted > 0 ? expected_of(shared->routes, ticket, outcome.kind) : 0;
  learn_distance(words.record, ticket, outcome, quick);
  if (ticket.start.time_since_epoch().count() < shared->stall_ended.get()) [[unlikely]] {
    shared->samples_set_aside.fetch_add(1, std::memory_order_relaxed);
    return;
  }

  Answer sample{.endpoint = static_cast<std::uint32_t>(index(ticket.id)),
                .route = ticket.route,
                .in_flight = ticket.at_server,
                .ms = static_cast<std::uint32_t>(now_ms),
                .took = took,
                .predicted = expected,
                .slow_cost = ticket.slow_cost,
                .ahead = ticket.ahead,
                .mean_ahead = ticket.mean_ahead,
                .wait = ticket.wait,
                .whole = is_good ? took : 0,
                .kind = static_cast<std::uint16_t>(outcome.kind)};
  if (ticket.guests != 0) [[unlikely]] {
    sample.guest = ticket.guest;
    sample.guests = static_cast<std::uint8_t>(std::min<std::uint32_t>(ticket.guests, UINT8_MAX));
    sample.idle = static_cast<std::uint8_t>(std::min<std::uint32_t>(ticket.idle, UINT8_MAX));
  }
  if (ticket.slow_cost <= 0 && took > plan.long_time.get()) [[unlikely]] {
    if (is_good && plan.learned.get() != 0) meet_long(shared->routes, ticket.route, took);
    sample.predicted = 0;
  } else if (ticket.predicted > 0) {
    if (quick || !(expected > 0)) [[unlikely]] {
      add_as_usual(endpoint, shared->routes, plan, decay_, sample);
    } else {
      add_to_speed(endpoint, plan, decay_, ticket.is_trial, sample);
      if (ticket.is_trial) [[unlikely]]
        state::end_trial(endpoint, words.record, sample, plan);
    }
    if (quick || words.record.spared.get() != 0) [[unlikely]] {
      state::learn_brevity(words.record, quick ? shared->routes.full_time(ticket.route) - took : 0);
    }
  }
  shared->lane(slot_).push(sample);
}

}  // namespace leastwise
