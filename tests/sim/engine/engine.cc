#include "engine/engine.h"

#include <algorithm>
#include <cmath>

namespace leastwise::sim {
namespace {

constexpr double kTickMs = 100;
constexpr double kSinkholeMs = 1;
constexpr double kOldMs = 1000;           // at the end
constexpr double kPrefixHitShare = 0.05;  // of the prefill, still to be done
constexpr std::uint32_t kGenerations = 0x3fffffff;

enum Phase : std::uint32_t { kCalm, kBurst, kFlashBegins, kFlashEnds };
constexpr double kBurstFactor = 2.2;
constexpr double kBurstMs = 500;
constexpr double kCalmFactor = 0.6;
constexpr double kCalmMs = 1500;
constexpr double kFlashFactor = 2;

std::vector<double> speeds_of(const Scenario& s) {
  std::vector<double> speeds;
  Random random(s.seed * 1000 + 4);
  for (std::uint32_t i = 0; i < s.servers; ++i) {
    if (!s.speeds.empty()) {
      speeds.push_back(s.speeds[i % s.speeds.size()]);
      continue;
    }
    // A handful of servers: evenly spread, since a draw could be anything.
    double exponent = 0;
    if (s.speed_spread > 1) {
      exponent = s.servers > 4 ? random.uniform() : i / std::max(1.0, s.servers - 1.0);
    }
    speeds.push_back(std::pow(s.speed_spread, exponent));
  }
  return speeds;
}

}  // namespace

Engine::Engine(const Scenario& scenario)
    : scenario_(scenario), world_{.scenario = scenario}, faults_(scenario.seed * 1000 + 3) {
  const std::vector<double> speeds = speeds_of(scenario);
  double capacity = 0;
  for (std::uint32_t i = 0; i < scenario.servers; ++i) {
    capacity += world_.servers.emplace_back(scenario, i, speeds[i]).capacity();
    world_.up.push_back(i);
  }
  world_.jobs = &jobs_;
  traffic_ = std::make_unique<Traffic>(scenario, capacity);
  result_.picks.assign(scenario.servers, 0);
  result_.routes.resize(scenario.routes.size());
}

Result Engine::run(const MakeBalancer& make) {
  for (std::uint32_t i = 0; i < scenario_.balancers; ++i) {
    balancers_.push_back(make(world_, scenario_.seed * 7919 + i + 11));
  }
  if (const auto first = traffic_->next(0)) events_.push({*first, Event::Kind::kArrival});
  events_.push({kTickMs, Event::Kind::kTick});
  schedule_faults();
  // Each at a phase of its own.
  told_.resize(balancers_.size());
  for (std::uint32_t b = 0; b < balancers_.size(); ++b) {
    if (!balancers_[b]->shares()) continue;
    events_.push({scenario_.share_ms * (b + 1) / scenario_.balancers, Event::Kind::kTell, b});
  }
  while (!events_.empty()) {
    const Event event = events_.top();
    if (!patience_.empty() && patience_.front().until <= event.at) {
      abandon_next();
      continue;
    }
    if (event.at > scenario_.duration_ms) break;
    events_.pop();
    world_.now = event.at;
    handle(event);
  }
  count_unfinished();
  return std::move(result_);
}

void Engine::schedule_faults() {
  using enum Event::Kind;
  const Scenario& s = scenario_;
  if (s.antagonists.on_ms > 0) {
    for (std::uint32_t i = 0; i < s.servers; ++i) {
      events_.push({faults_.exponential(s.antagonists.off_ms), kAntagonist, i, 1});
    }
  }
  if (s.grey.servers > 0) {
    events_.push({s.grey.from_ms, kGrey, 0, 1});
    events_.push({s.grey.to_ms, kGrey, 0, 0});
  }
  if (s.sinkhole.servers > 0) {
    events_.push({s.sinkhole.from_ms, kSinkhole, 0, 1});
    events_.push({s.sinkhole.to_ms, kSinkhole, 0, 0});
  }
  if (s.arrivals == Arrivals::kBursts) events_.push({0, kModulate, kBurst});
  if (s.arrivals == Arrivals::kFlash) {
    events_.push({s.duration_ms * 0.4, kModulate, kFlashBegins});
    events_.push({s.duration_ms * 0.6, kModulate, kFlashEnds});
  }
  const double span = s.duration_ms - s.warmup_ms - 2000;
  for (std::uint32_t k = 0; k < s.restarts.count; ++k) {
    const double at = s.warmup_ms + 1000 + k * span / s.restarts.count;
    events_.push({at, kDown, k % s.servers});
  }
}

void Engine::handle(const Event& event) {
  using enum Event::Kind;
  const bool on = event.tag != 0;
  switch (event.kind) {
    case kArrival:
      return arrive();
    case kReachServer:
      if (jobs_[event.subject].generation == event.tag) reach_server(jobs_[event.subject]);
      return;
    case kComplete:
      if (world_.servers[event.subject].version() == event.tag) complete(event.subject);
      return;
    case kFirstByte:
      if (jobs_[event.subject].generation == event.tag) give_first_byte(jobs_[event.subject]);
      return;
    case kReturn:
      if (jobs_[event.subject].generation == event.tag >> 1) {
        answer(jobs_[event.subject], (event.tag & 1) != 0);
      }
      return;
    case kAntagonist:
      return switch_antagonist(event.subject, on);
    case kGrey:
      return switch_grey(on);
    case kSinkhole:
      return switch_sinkhole(on);
    case kDown:
      return go_down(event.subject);
    case kUp:
      return come_up(event.subject);
    case kWarm:
      return warm(event.subject);
    case kModulate:
      return modulate(event.subject);
    case kTell:
      return tell(event.subject);
    case kHear:
      return hear(event.subject);
    case kTick:
      for (auto& b : balancers_) b->tick();
      events_.push({world_.now + kTickMs, kTick});
      return;
  }
}

void Engine::abandon_next() {
  const Patience p = patience_.front();
  patience_.pop_front();
  Job& job = jobs_[p.job];
  if (job.generation != p.generation || job.state != Job::State::kOut) return;
  world_.now = p.until;
  job.state = Job::State::kAbandoned;
  balancers_[job.balancer]->finish(job, {Ending::kTimeout, scenario_.timeout_ms, {}});
  if (!counts(job)) return;
  count(job, scenario_.timeout_ms);
  ++result_.errors;
  ++result_.requests;
}

void Engine::arrive() {
  if (const auto next = traffic_->next(world_.now)) events_.push({*next, Event::Kind::kArrival});
  Job& job = fresh_job();
  const Traffic::Arrival a = traffic_->draw();
  job.route = a.route;
  job.balancer = a.balancer;
  job.size = a.size;
  job.prefix = a.prefix;
  job.prefill = a.prefill;
  std::optional<std::uint32_t> server;
  if (!world_.up.empty()) server = balancers_[job.balancer]->pick(job);
  if (!server) {
    ++result_.errors;
    ++result_.requests;
    return release(job);
  }
  job.server = *server;
  count_pick(*server);
  const double way = world_.servers[*server].rtt() / 2;
  events_.push({world_.now + way, Event::Kind::kReachServer, job.id, job.generation});
  patience_.push_back({world_.now + scenario_.timeout_ms, job.id, job.generation});
}

void Engine::count_pick(std::uint32_t server) {
  ++result_.picks[server];
  const double since = world_.now - scenario_.warmup_ms;
  if (since < 0) return;
  const auto window = static_cast<std::size_t>(since / Result::kWindowMs);
  const auto whole =
      static_cast<std::size_t>((scenario_.duration_ms - scenario_.warmup_ms) / Result::kWindowMs);
  if (window >= whole) return;
  result_.windows.resize(whole, std::vector<std::uint64_t>(scenario_.servers));
  ++result_.windows[window][server];
}

Job& Engine::fresh_job() {
  if (free_.empty()) {
    free_.push_back(static_cast<JobId>(jobs_.size()));
    jobs_.emplace_back().id = free_.back();
    reports_.emplace_back();
  }
  Job& job = jobs_[free_.back()];
  free_.pop_back();
  job.generation = (job.generation + 1) & kGenerations;
  job.sent_at = world_.now;
  job.state = Job::State::kOut;
  job.answered = false;
  return job;
}

void Engine::reach_server(Job& job) {
  Server& server = world_.servers[job.server];
  if (!server.is_up()) return send_back(job, false, server.rtt() / 2);
  if (server.sinkhole() > 0 && faults_.uniform() < server.sinkhole()) {
    const double at = world_.now + kSinkholeMs + server.rtt() / 2;
    events_.push({at, Event::Kind::kReturn, job.id, job.generation << 1});
    return;
  }
  if (job.prefill > 0) {
    job.size += server.touch_prefix(job.prefix) ? job.prefill * kPrefixHitShare : job.prefill;
  }
  if (is_idle(job)) {
    start(job);
    const double at = world_.now + job.size + server.rtt() / 2;
    events_.push({at, Event::Kind::kReturn, job.id, job.generation << 1 | 1U});
    return;
  }
  server.advance(world_.now);
  const bool starts = server.enqueue(job.id, job.size);
  watch_peak(job.server);
  if (!starts) return;
  start(job);
  plan(job.server);
}

void Engine::start(Job& job) {
  job.started_at = world_.now;
  if (job.route >= scenario_.routes.size()) return;
  const double first_byte = scenario_.routes[job.route].first_byte_ms;
  if (first_byte <= 0) return;
  const double at = world_.now + first_byte + world_.servers[job.server].rtt() / 2;
  events_.push({at, Event::Kind::kFirstByte, job.id, job.generation});
}

void Engine::give_first_byte(Job& job) {
  if (job.state != Job::State::kOut) return;
  job.answered = true;
  const double latency = world_.now - job.sent_at;
  balancers_[job.balancer]->answered(job, {Ending::kOk, latency, {}});
  if (!counts(job)) return;
  ++result_.requests;
  count(job, latency);
}

bool Engine::is_idle(const Job& job) const {
  return job.route < scenario_.routes.size() && scenario_.routes[job.route].idle != 0;
}

void Engine::complete(std::uint32_t number) {
  Server& server = world_.servers[number];
  server.advance(world_.now);
  const Server::Completion c = server.complete([this](JobId id) { return jobs_[id].size; });
  if (c.started) start(jobs_[*c.started]);
  plan(number);
  Job& job = jobs_[c.done];
  reports_[job.id] = {.in_flight = server.load(),
                      .service_ms = world_.now - job.started_at,
                      .utilisation = server.reported_utilisation(world_.now)};
  send_back(job, true, server.rtt() / 2);
}

void Engine::answer(Job& job, bool ok) {
  if (job.state == Job::State::kOut) {
    const double latency = world_.now - job.sent_at;
    Answer a{ok ? Ending::kOk : Ending::kError, latency, {}};
    if (ok) a.report = reports_[job.id];
    if (!ok && !world_.servers[job.server].is_up()) a.ending = Ending::kNoServer;
    balancers_[job.balancer]->finish(job, a);
    if (counts(job) && !job.answered) {
      ++result_.requests;
      if (ok) count(job, latency);
      if (!ok) ++result_.errors;
    }
  }
  release(job);
}

void Engine::go_down(std::uint32_t number) {
  Server& server = world_.servers[number];
  server.advance(world_.now);
  std::erase(world_.up, number);
  for (const JobId id : server.crash()) send_back(jobs_[id], false, server.rtt() / 2);
  for (auto& b : balancers_) b->server_down(number);
  events_.push({world_.now + scenario_.restarts.down_ms, Event::Kind::kUp, number});
}

void Engine::come_up(std::uint32_t number) {
  world_.servers[number].restart(world_.now);
  world_.up.insert(std::lower_bound(world_.up.begin(), world_.up.end(), number), number);
  for (auto& b : balancers_) b->server_up(number);
  events_.push({world_.now + kTickMs, Event::Kind::kWarm, number});
}

void Engine::warm(std::uint32_t number) {
  Server& server = world_.servers[number];
  if (!server.is_up()) return;
  server.advance(world_.now);
  plan(number);
  if (!server.is_warm(world_.now)) events_.push({world_.now + kTickMs, Event::Kind::kWarm, number});
}

void Engine::switch_antagonist(std::uint32_t number, bool on) {
  const Antagonists& a = scenario_.antagonists;
  Server& server = world_.servers[number];
  server.advance(world_.now);
  server.set_antagonist(on ? a.low + (a.high - a.low) * faults_.uniform() : 1);
  const double until = world_.now + faults_.exponential(on ? a.on_ms : a.off_ms);
  events_.push({until, Event::Kind::kAntagonist, number, on ? 0U : 1U});
  plan(number);
}

void Engine::switch_grey(bool on) {
  for (std::uint32_t i = 0; i < scenario_.grey.servers; ++i) {
    const std::uint32_t number = (i * 3 + 1) % scenario_.servers;
    world_.servers[number].advance(world_.now);
    world_.servers[number].set_grey(on ? scenario_.grey.factor : 1);
    plan(number);
  }
}

void Engine::switch_sinkhole(bool on) {
  for (std::uint32_t i = 0; i < scenario_.sinkhole.servers; ++i) {
    const std::uint32_t number = (i * 3 + 2) % scenario_.servers;
    world_.servers[number].set_sinkhole(on ? scenario_.sinkhole.probability : 0);
  }
}

void Engine::modulate(std::uint32_t phase) {
  switch (phase) {
    case kBurst:
      traffic_->modulate(kBurstFactor);
      events_.push({world_.now + faults_.exponential(kBurstMs), Event::Kind::kModulate, kCalm});
      return;
    case kCalm:
      traffic_->modulate(kCalmFactor);
      events_.push({world_.now + faults_.exponential(kCalmMs), Event::Kind::kModulate, kBurst});
      return;
    default:
      traffic_->modulate(phase == kFlashBegins ? kFlashFactor : 1);
  }
}

// An answer that nobody waits for ends here.
void Engine::send_back(Job& job, bool ok, double delay) {
  if (job.state != Job::State::kOut) return release(job);
  events_.push(
      {world_.now + delay, Event::Kind::kReturn, job.id, job.generation << 1 | (ok ? 1U : 0U)});
}

void Engine::release(Job& job) {
  job.state = Job::State::kFree;
  free_.push_back(job.id);
}

void Engine::plan(std::uint32_t number) {
  Server& server = world_.servers[number];
  if (const auto at = server.plan(world_.now)) {
    events_.push({*at, Event::Kind::kComplete, number, server.version()});
  }
}

void Engine::count(const Job& job, double latency) {
  if (!is_idle(job)) result_.all.add(latency);
  if (job.route < result_.routes.size()) result_.routes[job.route].add(latency);
}

void Engine::count_unfinished() {
  for (const Job& job : jobs_) {
    const double age = scenario_.duration_ms - job.sent_at;
    if (job.state != Job::State::kOut || !counts(job) || job.answered || age <= kOldMs) continue;
    if (is_idle(job)) continue;
    count(job, age);
    ++result_.requests;
  }
}

}  // namespace leastwise::sim
