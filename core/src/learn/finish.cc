// The other half of Picker: what an answer teaches.
#include <algorithm>
#include <cmath>

#include "guard/load_report.h"
#include "leastwise/picker.h"
#include "pick/transit.h"
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
                    TimePoint now) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  state::Hot& endpoint = shared.hot()[index(ticket.id)];
  if (ticket.load != 0) [[likely]] {
    // The ledger first: who dies in between leaves a place taken, not one too many to give.
    shared.ledger(slot_)[index(ticket.id)].add(-1);
    endpoint.load.update(
        [&](std::uint64_t word) noexcept { return load::minus(word, ticket.load); });
    if (ticket.is_guest) [[unlikely]]
      state::leave(endpoint, shared.records()[index(ticket.id)], ticket);
  }
  if (outcome.kept > Duration::zero()) [[unlikely]]
    learn_place(ticket, outcome.kept - std::max(outcome.occupied, Duration::zero()));
  take_in(config, ticket, outcome, now);
}

void Picker::answered(const Config& config, Ticket& ticket, const Outcome& outcome,
                      TimePoint now) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  if (ticket.load != 0 && !ticket.is_guest) {
    state::Hot& endpoint = shared.hot()[index(ticket.id)];
    endpoint.load.update(
        [&](std::uint64_t word) noexcept { return load::without_work(word, ticket.load); });
    ticket.load = load::kOne;
    state::enter(endpoint, shared.records()[index(ticket.id)], ticket, Stay::kIdle);
  }
  take_in(config, ticket, outcome, now);
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
  pool_.shared()->lane(slot_).push({.endpoint = static_cast<std::uint32_t>(index(ticket.id)),
                                    .route = ticket.route,
                                    .in_flight = Answer::kPlace,
                                    .took = seconds(beyond)});
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
  if (outcome.result == Result::kClientGone || outcome.result == Result::kCancelled) return;
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
    learn_answer_time(shared.records()[index(ticket.id)], config, shared->plan(),
                      seconds(outcome.occupied), now_ms);
  }
  decay_.set(config.decay, now);
  learn_speed(endpoint, ticket, seconds(outcome.occupied), outcome.result == Result::kOk, now_ms);
}

void Picker::learn_speed(state::Hot& endpoint, const Ticket& ticket, float took, bool is_good,
                         std::int64_t now_ms) noexcept {
  const state::Shared shared = pool_.shared();
  const Plan& plan = shared->plan();
  if (const float old = endpoint.fastest.get(); !(old > 0) || took < old) {
    endpoint.fastest.set(took);  // lost to another at the same instant: the next will do
  }

  Answer sample{.endpoint = static_cast<std::uint32_t>(index(ticket.id)),
                .route = ticket.route,
                .in_flight = ticket.at_server,
                .ms = static_cast<std::uint32_t>(now_ms),
                .took = took,
                .predicted = ticket.predicted,
                .slow_cost = ticket.slow_cost,
                .ahead = ticket.ahead,
                .mean_ahead = ticket.mean_ahead,
                .wait = ticket.wait,
                .whole = is_good ? took : 0};
  if (ticket.guests != 0) [[unlikely]] {
    sample.guest = ticket.guest;
    sample.guests = ticket.guests;
    sample.idle = ticket.idle;
  }
  if (ticket.slow_cost <= 0 && took > plan.long_time.get()) [[unlikely]] {
    if (is_good && plan.learned.get() != 0) meet_long(shared->routes, ticket.route, took);
    sample.predicted = 0;
  } else if (ticket.predicted > 0) {
    const float base = endpoint.base.get();
    const float floor = kLeastShare * took;
    endpoint.speed.update([&](std::uint64_t word) noexcept {
      Speed s = speed::unpack(word);
      const float left = decay_.left(s.epoch);
      sample.slowness_before = slowness(s, left, plan);
      sample.took = std::max(floor, took - base);
      if (is_good) sample.whole = sample.took;
      if (s.work * left > kClipAfter * plan.mean_predicted.get()) {
        sample.took = std::min(sample.took, kClip * sample.slowness_before * ticket.predicted);
      }
      const float old = decay_.rebased(s.epoch) * kForgetSample;
      s.delay = s.delay * old + sample.took * decay_.grow();
      s.work = s.work * old + ticket.predicted * decay_.grow();
      s.epoch = decay_.epoch();
      sample.slowness = slowness(s, decay_.left(s.epoch), plan);
      return speed::pack(s);
    });
    endpoint.slowness.set(sample.slowness);
  }
  shared->lane(slot_).push(sample);
}

}  // namespace leastwise
