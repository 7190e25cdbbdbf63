// The other half of Picker: what an answer teaches.
#include <algorithm>
#include <cmath>

#include "guard/brevity.h"
#include "guard/load_report.h"
#include "leastwise/picker.h"
#include "words/answer_time.h"
#include "words/estimates.h"

namespace leastwise {
namespace {

constexpr float kForgetSample = 1 - 1.0F / 128;
constexpr float kErrorStep = 0.05F;
constexpr std::uint32_t kMostInARow = 1U << 30;
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

void learn_error(state::Hot& endpoint, bool failed, std::int64_t now_ms) noexcept {
  if (!failed && endpoint.error.get() == 0) return;
  endpoint.error.update([&](std::uint64_t word) noexcept -> std::uint64_t {
    float e = error_now(word, now_ms);
    e += kErrorStep * ((failed ? 1.0F : 0.0F) - e);
    // Damaged memory may hold anything; a share is 0…1.
    if (!(e >= kErrorFree)) return 0;
    return error::pack({std::min(e, 1.0F), static_cast<std::uint32_t>(now_ms)});
  });
}

void count_in_a_row(state::Record& record, bool failed) noexcept {
  if (failed) {
    if (record.failures_in_a_row.get() < kMostInARow) record.failures_in_a_row.add(1);
  } else if (record.failures_in_a_row.get() != 0) {
    record.failures_in_a_row.set(0);
  }
}

// nginx's rule: failures that are less than fail_timeout apart add up, and a success
// forgives them only when none came for so long, or when it was a probe.
void learn_health(state::Hot& endpoint, const state::Record& record, bool failed,
                  std::int64_t now_ms) noexcept {
  if (!failed && endpoint.health.get() == 0) return;
  if (record.max_fails.get() == 0) return;
  endpoint.health.update([&](std::uint64_t word) noexcept -> std::uint64_t {
    Health h = health::unpack(word);
    if (failed) {
      return health::pack({.fails = h.fails + 1,
                           .probing = false,
                           .until_ms = now_ms + record.fail_timeout_ms.get()});
    }
    return h.probing || now_ms >= h.until_ms ? 0 : word;
  });
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
  const float cost = routes.costs(ticket.route).cost;
  if (!(cost > 0)) return ticket.predicted;
  const float of_kind = routes.cost_of(ticket.route, kind);
  if (!(of_kind > 0)) return 0;
  return std::max(kLeastShare * ticket.predicted, ticket.predicted + (of_kind - cost));
}

// How far away a server is, is told by answers that are alike.
bool tells_distance(const Routes& routes, const Ticket& ticket, AnswerKind kind) noexcept {
  return kind == AnswerKind::kFull || routes.cost_of(ticket.route, kind) > 0;
}

void note_fastest(state::Hot& endpoint, float took) noexcept {
  if (const float old = endpoint.fastest.get(); !(old > 0) || took < old) {
    endpoint.fastest.set(took);  // lost to another at the same instant: the next will do
  }
}

// What counts for who goes by the answer time itself: of a quick refusal not less than the mean.
float answer_seconds(const Routes& routes, const Ticket& ticket, const Outcome& outcome,
                     const Plan& plan) noexcept {
  const float took = seconds(outcome.occupied);
  return is_quick(routes, ticket, outcome) ? std::max(took, mean_answer_time(plan)) : took;
}

// Adds the sample to the endpoint's sums, without the way there and clipped.
void add_to_speed(state::Hot& endpoint, const Plan& plan, const Decay& decay,
                  Answer& sample) noexcept {
  const float took = sample.took;
  const float base = endpoint.base.get();
  const float floor = kLeastShare * took;
  endpoint.speed.update([&](std::uint64_t word) noexcept {
    Speed s = speed::unpack(word);
    const float left = decay.left(s.epoch);
    sample.slowness_before = slowness(s, left, plan);
    sample.took = std::max(floor, took - base);
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
void add_as_usual(state::Hot& endpoint, const Routes& routes, const Plan& plan, const Decay& decay,
                  Answer& sample) noexcept {
  const auto route = static_cast<std::uint16_t>(sample.route);
  const float pace = routes.pace(route);
  const float usual = pace > 0 ? pace : plan.slowness.get();
  const float took = std::max(kLeastShare * sample.took, sample.took - endpoint.base.get());
  if (!(sample.predicted > 0) && usual > 0) sample.predicted = took / usual;
  sample.took = sample.predicted * usual + endpoint.base.get();
  add_to_speed(endpoint, plan, decay, sample);
  sample.took = took;
}

// While it waited, the answer had not begun: else the rest of it may be the client's own time.
bool says_slow(const Outcome& outcome, const Ticket& ticket, const Plan& plan) noexcept {
  if (outcome.first_byte >= Duration::zero() || !(ticket.delay > 0)) return false;
  const float waited = seconds(outcome.occupied);
  return plan.patience.get() > 0 && waited > plan.patience.get() && waited > ticket.delay;
}

// A fast failure says nothing of speed; a timeout says that it is at least so slow.
bool is_sample(const Outcome& outcome) noexcept {
  return (outcome.result == Result::kOk || outcome.result == Result::kTimeout) &&
         outcome.occupied > Duration::zero();
}

}  // namespace

void Picker::finish(const Config& config, const Ticket& ticket, const Outcome& outcome,
                    TimePoint now) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  state::Hot& endpoint = shared.hot()[index(ticket.id)];
  if (ticket.load != 0) [[likely]] {
    // The ledger first: who dies in between leaves a place taken, not one too many to give.
    shared.ledger(slot_)[index(ticket.id)].add(-1);
    endpoint.load.update(
        [&](std::uint64_t word) noexcept { return load::minus(word, ticket.load); });
  }
  take_in(config, ticket, outcome, now);
}

void Picker::answered(const Config& config, Ticket& ticket, const Outcome& outcome,
                      TimePoint now) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  if (ticket.load != 0) {
    shared.hot()[index(ticket.id)].load.update(
        [&](std::uint64_t word) noexcept { return load::without_work(word, ticket.load); });
    ticket.load = load::kOne;
    shared.records()[index(ticket.id)].held.add(1);
  }
  take_in(config, ticket, outcome, now);
}

void Picker::release(const Config& config, const Ticket& ticket, TimePoint now) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  const std::size_t i = index(ticket.id);
  if (ticket.load != 0) {
    // The tick may have mended the count meanwhile: never below zero.
    shared.records()[i].held.update([](std::uint32_t n) noexcept { return n > 0 ? n - 1 : 0; });
    shared.ledger(slot_)[i].add(-1);  // before the load, as in finish()
    shared.hot()[i].load.update(
        [&](std::uint64_t word) noexcept { return load::minus(word, ticket.load); });
  }
  if (keeps_trees(config) && swept_ >= primaries_) renew_leaves(std::array{ticket.member}, now);
}

// All that an outcome tells.
void Picker::take_in(const Config& config, const Ticket& ticket, const Outcome& outcome,
                     TimePoint now) noexcept {
  state::Record& record = pool_.shared().records()[index(ticket.id)];
  count(record, outcome);
  if (config.report.is_on()) state::learn_report(record, outcome.report, milliseconds(now));
  learn(config, ticket, outcome, now);
  if (takes_turns(config.chosen_policy())) [[unlikely]]
    renew_place(config, ticket.member, now);
  if (keeps_trees(config) && swept_ >= primaries_) renew_leaves(std::array{ticket.member}, now);
}

void Picker::learn(const Config& config, const Ticket& ticket, const Outcome& outcome,
                   TimePoint now) noexcept {
  if (outcome.result == Result::kClientGone) return learn_wait(config, ticket, outcome, now);
  if (outcome.result == Result::kCancelled) return;
  const state::Shared shared = pool_.shared();
  state::Hot& endpoint = shared.hot()[index(ticket.id)];

  const std::int64_t now_ms = milliseconds(now);
  const bool failed = is_failure(outcome.result);
  learn_error(endpoint, failed, now_ms);
  count_in_a_row(shared.records()[index(ticket.id)], failed);
  if (!failed || outcome.counts_as_fail) {
    learn_health(endpoint, shared.records()[index(ticket.id)], failed, now_ms);
    if (failed) shared->special.set(1);  // after the health word: see renew_special()
  }
  if (!is_sample(outcome)) return;
  if (config.chosen_policy().keeps_answer_time) {
    const float took = answer_seconds(shared->routes, ticket, outcome, shared->plan());
    learn_answer_time(shared.records()[index(ticket.id)], config, shared->plan(), took, now_ms);
  }
  decay_.set(config.decay, now);
  learn_speed(endpoint, ticket, outcome, now_ms);
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
  add_to_speed(shared.hot()[index(ticket.id)], plan, decay_, sample);
}

void Picker::learn_speed(state::Hot& endpoint, const Ticket& ticket, const Outcome& outcome,
                         std::int64_t now_ms) noexcept {
  const state::Shared shared = pool_.shared();
  const Plan& plan = shared->plan();
  const float took = seconds(outcome.occupied);
  const bool quick = is_quick(shared->routes, ticket, outcome);
  const float expected = expected_of(shared->routes, ticket, outcome.kind);
  if (!quick && tells_distance(shared->routes, ticket, outcome.kind)) note_fastest(endpoint, took);

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
                .whole = took,
                .kind = static_cast<std::uint32_t>(outcome.kind)};
  if (ticket.predicted > 0) {
    if (quick || !(expected > 0)) [[unlikely]] {
      add_as_usual(endpoint, shared->routes, plan, decay_, sample);
    } else {
      add_to_speed(endpoint, plan, decay_, sample);
    }
    const float spared = quick ? shared->routes.full_time(ticket.route) - took : 0;
    state::learn_brevity(shared.records()[index(ticket.id)], spared);
  }
  shared->lane(slot_).push(sample);
}

}  // namespace leastwise
