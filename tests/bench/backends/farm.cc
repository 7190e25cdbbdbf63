#include "bench/backends/farm.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/backends/answer.h"
#include "bench/common/query.h"
#include "bench/common/text.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

constexpr std::uint32_t kDemandStream = 1;
constexpr std::uint32_t kChanceStream = 2;

constexpr int kOk = 200;
constexpr int kUnavailable = 503;

std::optional<Time> earlier(std::optional<Time> a, std::optional<Time> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

bool keeps_slot_to_the_end(const Action& action) noexcept {
  return action.ending == Ending::kStream && !action.wait;
}

}  // namespace

Farm::Farm(Config config)
    : paths_(std::move(config.paths)),
      configs_(std::move(config.servers)),
      is_listening_(configs_.size(), false),
      seed_(config.seed),
      demands_(config.seed, kDemandStream),
      chances_(config.seed, kChanceStream),
      schedule_(std::move(config.events), now()),
      http_(*this) {
  const Time start = now();
  for (const ServerConfig& server : configs_) servers_.emplace_back(server, start);
  const auto control_listener = static_cast<std::uint32_t>(servers_.size());
  if (config.control_port != 0) http_.listen(control_listener, "127.0.0.1", config.control_port);
  for (std::uint32_t id = 0; id < servers_.size(); ++id) follow_down(id, start);
  schedule_.restart(now());
}

void Farm::run() {
  while (is_running_) {
    const Time time = now();
    while (const Event* event = schedule_.take(time)) {
      for (const std::size_t id : event->servers) {
        apply(static_cast<std::uint32_t>(id), "event", event->changes, time);
      }
    }
    fire_due(time);
    http_.poll(earlier(timers_.next_due(), schedule_.next_due()));
  }
}

void Farm::on_accept(std::uint32_t listener) {
  if (listener < servers_.size()) ++servers_[listener].counters().connections;
}

void Farm::on_abandon(std::uint32_t listener) {
  if (listener < servers_.size()) ++servers_[listener].counters().abandoned;
}

void Farm::on_request(Handle client, std::uint32_t listener, const HttpServer::Request& request) {
  if (listener == servers_.size()) return control(client, request);
  Server& server = servers_[listener];
  ++server.counters().requests;
  Job job = make_job(client, request, server);
  for (const auto& [key, value] : query_of(request.target)) {
    if (key != "do") continue;
    const auto action = parse_action(value);
    if (!action) {
      const std::string body =
          "do: \"" + value + "\" is refused; accepted: " + std::string(kActionGrammar) + "\n";
      AnswerSpec spec = spec_of(listener, job, 400, now());
      spec.body = body;
      return http_.send(client, render(spec).bytes, after_answer(spec));
    }
    job.action = *action;
  }
  const Duration distance = server.behaviour().distance;
  if (distance == Duration::zero()) return serve(listener, job);
  timers_.arm(now() + distance, {Timer::Kind::kArrival, listener, server.epoch(), job, kOk});
}

void Farm::control(Handle client, const HttpServer::Request& request) {
  const ControlAnswer result = handle_control(*this, request.target);
  AnswerSpec spec;
  spec.status = result.status;
  spec.body = result.body;
  spec.content_type = result.body.starts_with('{') ? "application/json" : "text/plain";
  spec.keeps_alive = request.keeps_alive;
  http_.send(client, render(spec).bytes, after_answer(spec));
}

Job Farm::make_job(Handle client, const HttpServer::Request& request, const Server& server) {
  Job job;
  job.client = client;
  const std::string_view path = path_of(request.target);
  const auto own_mean = server.config().paths.mean_of(path);
  job.mean = own_mean ? *own_mean : paths_.mean_of(path).value_or(Duration::zero());
  job.u = number_in<double>(request.x_u, 0, 1).value_or(-1);
  // Drawn only when it is needed: requests that bring their own number leave the stream alone.
  if (job.u < 0) job.u = demands_.uniform();
  const double share = server.behaviour().action_share;
  if (share >= 1 || chances_.uniform() < share) job.action = server.behaviour().action;
  job.keeps_alive = request.keeps_alive;
  job.number = request.number;
  return job;
}

void Farm::serve(std::uint32_t id, Job job) {
  Server& server = servers_[id];
  const Behaviour& behaviour = server.behaviour();
  const Time time = now();
  const bool has_error =
      !behaviour.hangs && behaviour.error_share > 0 && chances_.uniform() < behaviour.error_share;
  if (has_error) {
    job.action = Action();
    return timers_.arm(time + behaviour.error_time,
                       {Timer::Kind::kSlotless, id, server.epoch(), job, behaviour.error_status});
  }
  if (job.action.wait && !behaviour.hangs) {
    return timers_.arm(time + *job.action.wait,
                       {Timer::Kind::kSlotless, id, server.epoch(), job, kOk});
  }
  const bool is_instant =
      job.mean == Duration::zero() && !job.action.sleep && job.action.ending != Ending::kStream;
  if (is_instant && !behaviour.hangs) return answer(id, job, kOk, time);
  switch (server.admit(job, time)) {
    case Server::Admission::kStart:
      return start(id, job, time);
    case Server::Admission::kQueued:
      return;
    case Server::Admission::kRejected:
      job.action = Action();
      return answer(id, job, kUnavailable, time);
  }
}

void Farm::start(std::uint32_t id, const Job& job, Time now) {
  const Server& server = servers_[id];
  timers_.arm(now + server.service_time(job, now),
              {Timer::Kind::kServed, id, server.epoch(), job, kOk});
}

void Farm::start_queued(std::uint32_t id, Time now) {
  Server& server = servers_[id];
  while (const auto job = server.next(now)) {
    if (http_.is_connected(job->client)) {
      start(id, *job, now);
    } else {
      server.finish(now);
    }
  }
}

void Farm::answer(std::uint32_t id, const Job& job, int status, Time now) {
  if (!http_.is_connected(job.client)) return;
  const AnswerSpec spec = spec_of(id, job, status, now);
  const Ending ending = spec.ending;
  const bool is_answer =
      ending != Ending::kHang && ending != Ending::kClose && ending != Ending::kReset;
  if (is_answer) servers_[id].count_answer(spec.status);
  const Answer result = render(spec);
  http_.send(job.client, result.bytes, result.after);
  if (result.after != After::kMore) return;
  const Timer more{Timer::Kind::kDribble, id, servers_[id].epoch(), job, spec.status};
  if (ending == Ending::kDribble) return fire_dribble(more, now);
  open_stream(more, now);
}

AnswerSpec Farm::spec_of(std::uint32_t id, const Job& job, int status, Time now) {
  Server& server = servers_[id];
  const Behaviour& behaviour = server.behaviour();
  AnswerSpec spec;
  spec.status = job.action.status.value_or(status);
  spec.server = server.config().name;
  if (behaviour.sends_load_report) spec.load_report = server.load_report(now);
  spec.body_bytes = behaviour.body_bytes;
  spec.keeps_alive = job.keeps_alive;
  spec.closes_silently = behaviour.close_after != 0 && job.number >= behaviour.close_after;
  spec.ending = job.action.ending;
  return spec;
}

void Farm::fire_due(Time now) {
  for (auto due = timers_.next_due(); due && *due <= now; due = timers_.next_due()) {
    const Duration late = now - *due;
    ++lateness_.timers;
    lateness_.sum += late;
    lateness_.worst = std::max(lateness_.worst, late);
    fire(*timers_.take(now), now);
  }
}

void Farm::fire(Timer timer, Time now) {
  if (timer.kind == Timer::Kind::kDribble) return fire_dribble(timer, now);
  Server& server = servers_[timer.server];
  if (timer.epoch != server.epoch()) return;
  if (timer.kind == Timer::Kind::kArrival) return serve(timer.server, timer.job);
  if (timer.kind == Timer::Kind::kPiece) return fire_piece(timer, now);
  // Unless nobody is there to read it.
  const bool keeps_slot =
      keeps_slot_to_the_end(timer.job.action) && http_.is_connected(timer.job.client);
  if (timer.kind == Timer::Kind::kServed && !keeps_slot) free_slot(timer.server, now);
  answer(timer.server, timer.job, timer.status, now);
}

void Farm::fire_dribble(Timer timer, Time now) {
  const AnswerSpec spec = spec_of(timer.server, timer.job, timer.status, now);
  const std::size_t left = spec.body_bytes - std::min(timer.sent, spec.body_bytes);
  const std::size_t size = std::min(left, timer.job.action.dribble_bytes);
  http_.send(timer.job.client, filling(size), size == left ? after_answer(spec) : After::kMore);
  if (size == left || !http_.is_connected(timer.job.client)) return;
  timer.sent += size;
  const Time due = now + timer.job.action.pause;
  timers_.arm(due, timer);
}

// As long as the request's own number says, so that it is as long at every server.
void Farm::open_stream(Timer timer, Time now) {
  const Action& action = timer.job.action;
  timer.kind = Timer::Kind::kPiece;
  const double span = to_seconds(action.longest_stream - action.shortest_stream);
  timer.end = now + action.shortest_stream + from_seconds(span * timer.job.u);
  timers_.arm(now + action.pause, timer);
}

// As every client that leaves while it is served, one that leaves a stream does not free the slot.
void Farm::fire_piece(Timer timer, Time now) {
  const Action& action = timer.job.action;
  const bool is_stream = action.ending == Ending::kStream;
  if (is_stream && now >= timer.end) {
    if (keeps_slot_to_the_end(action)) free_slot(timer.server, now);
    const bool keeps_open = timer.job.keeps_alive;
    return http_.send(timer.job.client, kEndOfStream,
                      keeps_open ? After::kKeepOpen : After::kClose);
  }
  if (!is_stream && !http_.is_connected(timer.job.client)) return;
  http_.send(timer.job.client, next_piece(action.ending), After::kMore);
  const Time next = now + action.pause;
  timers_.arm(is_stream ? std::min(next, timer.end) : next, timer);
}

void Farm::free_slot(std::uint32_t id, Time now) {
  servers_[id].finish(now);
  start_queued(id, now);
}

void Farm::apply(std::uint32_t id, const std::string& where, const Changes& changes, Time now) {
  for (const auto& [key, value] : changes) servers_[id].set(where, key, value, now);
  follow_down(id, now);
  start_queued(id, now);
}

void Farm::follow_down(std::uint32_t id, Time now) {
  Server& server = servers_[id];
  const bool should_listen = !server.behaviour().is_down;
  if (is_listening_[id] == should_listen) return;
  is_listening_[id] = should_listen;
  if (should_listen) {
    http_.listen(id, server.config().address, server.config().port);
  } else {
    http_.shut(id);
    server.restart(now);
  }
}

nlohmann::json Farm::stats() {
  const Time time = now();
  nlohmann::json servers = nlohmann::json::array();
  for (std::uint32_t id = 0; id < servers_.size(); ++id) {
    servers.push_back(servers_[id].stats(id, http_.open_connections(id), time));
  }
  const double timers = static_cast<double>(std::max<std::uint64_t>(lateness_.timers, 1));
  return {{"seconds", to_seconds(time - schedule_.start())},
          {"lag", {{"mean_ms", to_ms(lateness_.sum) / timers}, {"max_ms", to_ms(lateness_.worst)}}},
          {"servers", std::move(servers)}};
}

void Farm::set(std::string_view selection, const Changes& changes) {
  const std::vector<std::size_t> chosen = select_servers(configs_, selection, "/set.server");
  Behaviour scratch;
  for (const auto& [key, value] : changes) set_key(scratch, "/set", key, value, "server");
  const Time time = now();
  for (const std::size_t id : chosen) {
    apply(static_cast<std::uint32_t>(id), "/set", changes, time);
  }
}

void Farm::reset_counters() {
  const Time time = now();
  for (Server& server : servers_) server.reset_counters(time);
  lateness_ = Lateness();
}

void Farm::restart() {
  const Time time = now();
  demands_ = RandomStream(seed_, kDemandStream);
  chances_ = RandomStream(seed_, kChanceStream);
  for (std::uint32_t id = 0; id < servers_.size(); ++id) {
    servers_[id].set_as_configured(time);
    follow_down(id, time);
    start_queued(id, time);
  }
  reset_counters();
  schedule_.restart(time);
}

}  // namespace leastwise::bench
