// Pool: copies of what is known, for status pages and tests.
#include <algorithm>
#include <cmath>

#include "guard/load_report.h"
#include "guard/toll.h"
#include "leastwise/decay.h"
#include "leastwise/pool.h"
#include "memory/demand.h"
#include "memory/health.h"
#include "memory/state.h"
#include "pick/score.h"
#include "pick/transit.h"
#include "words/estimates.h"
#include "words/probe_word.h"
#include "words/quantile.h"

namespace leastwise {
namespace {

constexpr double kMicro = 1e-6;

double to_seconds(const Cell<std::uint64_t>& us) noexcept {
  return static_cast<double>(us.get()) * kMicro;
}

void copy_report(const state::Record& r, const Config& config, std::int64_t now_ms,
                 EndpointView& v) noexcept {
  v.reports = r.reports.get();
  v.reports_refused = r.reports_refused.get();
  if (state::is_queue_known(r, config, now_ms)) {
    const Queued q = queued::unpack(r.queued.get());
    v.waiting = q.waiting;
    v.running = q.running;
  }
  if (state::utilisation_now(r, config, now_ms) < 0) return;
  const Reported said = reported::unpack(r.reported.get());
  v.reported_utilisation = said.utilisation;
  v.reported_cpu = said.cpu;
  v.reported_memory = said.memory;
  v.report_factor = std::max(1.0F, r.report_factor.get());
  v.report_age = static_cast<float>(static_cast<std::uint32_t>(now_ms) - said.ms) * 1e-3F;
}

// Of a mean request that came now, with what failures, distance and the toll cost, in a place of
// the queue behind those that are there.
float expected_delay(const state::Hot& hot, const Plan& plan, float slowness,
                     std::int64_t now_ms) noexcept {
  if (plan.learned.get() == 0) return 0;
  const std::uint64_t word = hot.load.get();
  const AtServer there = at_server(hot, word, load::in_flight(word));
  const float cost = plan.mean_cost.get();
  const float psi = plan.sharing.get();
  const float ahead = psi * cost + (1 - psi) * mean_ahead(there.word, there.n, cost);
  const float d = slowness * (cost + plan.wait_at(there.n) * ahead) + hot.handicap.get();
  return with_failures(d, error_now(hot.error.get(), now_ms), cost);
}

// The older of its glances, or the only one.
const state::Glance& glance_before(const state::Window& window) noexcept {
  const std::size_t newer = window.newer.get() % 2;
  const state::Glance& older = window.glances[1 - newer];
  return older.ms.get() != 0 ? older : window.glances[newer];
}

void copy_window(const state::Record& r, const state::Window& window, std::int64_t now_ms,
                 EndpointView& v) noexcept {
  const state::Glance& then = glance_before(window);
  const std::int64_t span_ms = now_ms - then.ms.get();
  // Longer: nobody ticks, or the memory is of another boot.
  if (then.ms.get() == 0 || span_ms <= 0 || span_ms > 4 * state::Window::kWindowMs) return;
  WindowView& w = v.window;
  w.seconds = static_cast<float>(span_ms) * 1e-3F;
  BucketCounts counts;
  for (std::size_t b = 0; b < counts.size(); ++b) {
    counts[b] = static_cast<std::uint32_t>(r.times[b].get()) - then.times[b].get();
  }
  w.p50 = quantile(counts, 0.5F);
  w.p99 = quantile(counts, 0.99F);
  for (std::size_t i = 0; i < w.responses.size(); ++i) {
    w.responses[i] = static_cast<std::uint32_t>(r.responses[i].get()) - then.responses[i].get();
  }
  std::uint64_t failures = 0;
  for (std::size_t i = 0; i < kResults; ++i) {
    if (is_failure(static_cast<Result>(i))) failures += r.results[i].get();
  }
  w.failures = static_cast<std::uint32_t>(failures) - then.failures.get();
  for (const std::uint32_t n : w.responses) w.answers += n;
}

float seconds_until(std::int64_t ms, std::int64_t now_ms) noexcept {
  return ms > now_ms ? static_cast<float>(ms - now_ms) * 1e-3F : 0;
}

// Whether it is left out, why and for how long.
void copy_standing(const state::Hot& hot, const state::Record& record, std::int64_t now_ms,
                   EndpointView& v) noexcept {
  if (const float warmth = record.warmth.get(); warmth > 0) v.warmth = warmth;
  v.ejected = (hot.flags.get() & state::kEjected) != 0;
  if (v.ejected) {
    v.ejected_why = record.ejected_why.get();
    // It ends at the first tick after its time; and whatever memory holds.
    v.ejected_for = seconds_until(record.ejected_until_ms.get(), now_ms);
  }
  for (std::size_t i = 0; i < kEjections; ++i) v.ejections[i] = record.ejections[i].get();
  const Health h = health::unpack(hot.health.get());
  v.fails = h.fails;
  v.unavailable = out_of_service(hot, record, now_ms);
  if (v.unavailable) v.fail_for = seconds_until(h.until_ms, now_ms);
}

void copy_counters(const state::Record& r, EndpointView& v) noexcept {
  v.picks = r.picks.get();
  for (std::size_t i = 0; i < kResults; ++i) v.results[i] = r.results[i].get();
  for (std::size_t i = 0; i < v.responses.size(); ++i) v.responses[i] = r.responses[i].get();
  v.bytes_sent = r.bytes_sent.get();
  v.bytes_received = r.bytes_received.get();
  v.healed = r.healed.get();
  v.forgiven = r.forgiven.get();
  v.connects = r.connects.get();
  v.first_bytes = r.first_bytes.get();
  for (const auto& c : r.times) v.occupied += c.get();
  v.connect_seconds = to_seconds(r.connect_us);
  v.first_byte_seconds = to_seconds(r.first_byte_us);
  v.occupied_seconds = to_seconds(r.occupied_us);
}

// A pick for the policy's own reason costs nothing to count: they are all but the others.
void count_decisions(const state::Header& header, std::uint64_t picks, PoolView& v) noexcept {
  for (const state::ReasonCounts& lane : header.reasons) {
    for (std::size_t i = 0; i < kReasons; ++i) v.decisions[i] += lane.counts[i].get();
  }
  std::uint64_t others = 0;
  for (const std::uint64_t n : v.decisions) others += n;
  v.decisions[static_cast<std::size_t>(Reason::kPolicy)] = picks > others ? picks - others : 0;
}

void copy_probe(const state::Record& r, std::uint32_t flags, std::int64_t now_ms,
                ProbeView& v) noexcept {
  v.failed = (flags & state::kProbeFailed) != 0;
  v.is_out = (flags & state::kProbeBarred) != 0;
  v.waits = (flags & state::kUnproven) != 0;
  v.checks = r.probes.get();
  v.failures = r.probes_failed.get();
  const std::uint64_t word = r.probe.get();
  if (word == 0) return;
  const Probed p = probed::unpack(word);
  v.is_known = true;
  v.last = p.last;
  v.in_a_row = p.in_a_row;
  const auto age = static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ms) - p.ms);
  v.age = age > 0 ? static_cast<float>(age) * 1e-3F : 0;
}

void copy_scrape(const state::Record& r, std::int64_t now_ms, ScrapeView& v) noexcept {
  const std::uint64_t word = r.scrape.get();
  if (word == 0) return;
  const Probed p = probed::unpack(word);
  v.is_known = true;
  v.failed = p.verdict == Probed::Verdict::kDown;
  v.last = p.last;
  v.in_a_row = p.in_a_row;
  const auto age = static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ms) - p.ms);
  v.age = age > 0 ? static_cast<float>(age) * 1e-3F : 0;
}

// As guard/advice.cc adds it.
float toll_of(const state::Shared& shared, const Config& config, std::size_t i) noexcept {
  const float toll = shared.learned()[i].toll.seconds;
  return config.chosen_policy().by_score && std::isfinite(toll) && toll > 0 ? toll : 0;
}

constexpr std::string_view kEjectionNames[kEjections] = {"none", "consecutive", "failures",
                                                         "latency", "operator"};

}  // namespace

// Checked, since it comes from shared memory.
std::string_view name(Ejection why) noexcept {
  const auto i = static_cast<std::size_t>(why);
  return kEjectionNames[i < kEjections ? i : 0];
}

std::string_view Pool::endpoint_name(EndpointId id) const noexcept {
  if (index(id) >= capacity()) return {};
  const state::Record& record = shared().records()[index(id)];
  return {record.name.data(), std::min<std::size_t>(record.name_size.get(), kMaxEndpointName)};
}

EndpointView Pool::view(EndpointId id, const Config& config, TimePoint now) const noexcept {
  EndpointView v;
  if (index(id) >= capacity()) return v;
  const state::Hot& hot = shared().hot()[index(id)];
  const state::Record& record = shared().records()[index(id)];
  const Plan& plan = header_->plan();
  Decay decay;
  decay.set(config.decay, now);
  const Speed s = speed::unpack(hot.speed.get());
  const float left = decay.left(s.epoch);

  v.name = endpoint_name(id);
  v.id = id;
  v.settings = settings(id);
  copy_standing(hot, record, milliseconds(now), v);
  v.in_flight = load::in_flight(hot.load.get());
  v.held = std::min(away::idle(hot.away.get()), v.in_flight);
  v.in_transit = away::transit(hot.away.get());
  constexpr float kMostElsewhere = 1e6F;
  const float elsewhere = record.heard_requests.get() * state::hearsay_left(shared(), now);
  v.elsewhere =
      elsewhere > 0 ? static_cast<std::uint32_t>(std::min(elsewhere, kMostElsewhere) + 0.5F) : 0;
  v.toll = toll_of(shared(), config, index(id));
  v.work_in_flight = load::work(hot.load.get());
  v.known = s.work * left > 0;
  v.evidence = s.work * left;
  v.measured = s.work > 0 && std::isfinite(s.delay / s.work) ? s.delay / s.work : 0;
  v.slowness = plan.mean_cost.get() > 0 ? slowness(s, left, plan) : plan.slowness.get();
  v.error_share = error_now(hot.error.get(), milliseconds(now));
  v.base = hot.base.get();
  v.delay = expected_delay(hot, plan, v.slowness, milliseconds(now));
  copy_counters(record, v);
  copy_report(record, config, milliseconds(now), v);
  v.shadow_picks = shared().shadowed()[index(id)].would.get();
  copy_window(record, shared().windows()[index(id)], milliseconds(now), v);
  copy_probe(record, hot.flags.get(), milliseconds(now), v.probe);
  if (config.scrape.is_on()) copy_scrape(record, milliseconds(now), v.scrape);
  v.demand = state::demand(config, plan, hot, record);
  return v;
}

std::uint64_t Pool::samples() const noexcept { return header_->plan().samples.get(); }

PoolView Pool::view() const noexcept {
  PoolView v;
  if (header_ == nullptr) return v;
  const Plan& plan = header_->plan();
  v.capacity = capacity_;
  v.endpoints = header_->endpoints.get();
  for (const auto& p : header_->processes) {
    if (p.owner.load(std::memory_order_relaxed) != 0) ++v.processes;
  }
  v.ticks = header_->ticks.get();
  v.samples = plan.samples.get();
  v.samples_lost = header_->samples_lost.get();
  v.samples_set_aside = header_->samples_set_aside.load(std::memory_order_relaxed);
  v.learned = plan.learned.get() != 0;
  v.mean_cost = plan.mean_cost.get();
  v.slowness = plan.slowness.get();
  v.sharing = plan.sharing.get();
  v.mean_wait = plan.mean_wait.get();
  v.price = plan.price.get();
  v.caution = plan.caution_exponent.get();
  v.panic = is_in_panic();
  v.others = state::counts_others(shared()) ? header_->tellers.get() : 0;
  v.prober = prober::pid(header_->prober.load(std::memory_order_relaxed));
  v.chooser = chooser();
  v.policy_seconds = header_->switchback.adaptive().typical();
  v.control_seconds = header_->switchback.control().typical();
  std::uint64_t picks = header_->former_picks.get();
  for (const auto& r : shared().records()) {
    v.healed += r.healed.get();
    picks += r.picks.get();
  }
  count_decisions(*header_, picks, v);
  return v;
}

std::uint32_t Pool::next_route(std::uint32_t place) const noexcept {
  if (header_ == nullptr) return kNoRoute;
  for (; place <= Routes::kOther; ++place) {
    if (header_->routes.is_known(static_cast<std::uint16_t>(place))) return place;
  }
  return kNoRoute;
}

RouteView Pool::route(std::uint32_t place) const noexcept {
  RouteView v;
  if (header_ == nullptr || place > Routes::kOther) return v;
  const Routes& routes = header_->routes;
  const auto slot = static_cast<std::uint16_t>(place);
  v.is_other = slot == Routes::kOther;
  // Costs tend to seconds at G = 1, but slowly; their product with G is in seconds at once.
  v.cost = routes.costs(slot).cost * header_->plan().slowness.get();
  v.spread = std::sqrt(std::max(0.0F, routes.spread(slot)));
  v.samples = routes.samples(slot);
  v.own_size = routes.copy_name(slot, v.own.data());
  const std::uint16_t family = routes.family(slot);
  if (family != Routes::kOther) v.family_size = routes.copy_name(family, v.family.data());
  return v;
}

Chooser Pool::chooser() const noexcept {
  const Chooser chooser = header_->plan().chooser.get();
  return chooser <= Chooser::kFallback ? chooser : Chooser::kPolicy;  // whatever memory holds
}

std::string_view name(Chooser chooser) noexcept {
  constexpr std::string_view kNames[] = {"policy", "control", "fallback"};
  return kNames[static_cast<std::size_t>(chooser)];
}

std::uint64_t Pool::histogram_count(EndpointId id, std::size_t bucket) const noexcept {
  if (index(id) >= capacity() || bucket >= Histogram::kBuckets) return 0;
  return shared().records()[index(id)].times[bucket].get();
}

}  // namespace leastwise
