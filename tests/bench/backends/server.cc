#include "bench/backends/server.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace leastwise::bench {
namespace {

// In seconds: as good as never, and far from what a Duration can not hold.
constexpr double kLongestService = 1e7;

}  // namespace

Server::Server(ServerConfig config, Time start)
    : config_(std::move(config)),
      behaviour_(config_.behaviour),
      utilisation_(start),
      advanced_(start),
      warm_since_(start) {}

Server::Admission Server::admit(const Job& job, Time now) {
  if (has_free_slot()) {
    advance(now);
    ++busy_;
    return Admission::kStart;
  }
  if (queue_.size() >= static_cast<std::size_t>(behaviour_.queue_limit)) {
    ++counters_.rejected;
    return Admission::kRejected;
  }
  advance(now);
  queue_.push_back(job);
  counters_.queue_peak = std::max(counters_.queue_peak, queue_.size());
  return Admission::kQueued;
}

std::optional<Job> Server::next(Time now) {
  if (queue_.empty() || !has_free_slot()) return std::nullopt;
  advance(now);
  const Job job = queue_.front();
  queue_.pop_front();
  ++busy_;
  return job;
}

void Server::finish(Time now) {
  advance(now);
  --busy_;
}

Duration Server::service_time(const Job& job, Time now) const noexcept {
  if (job.action.sleep) return *job.action.sleep;
  const double times =
      slowness(now) * multiple_of_mean(behaviour_.distribution, behaviour_.sigma, job.u);
  return from_seconds(std::min(to_seconds(job.mean) * times, kLongestService));
}

void Server::restart(Time now) {
  advance(now);
  queue_.clear();
  busy_ = 0;
  ++epoch_;
}

void Server::set(const std::string& where, const std::string& key, const nlohmann::json& value,
                 Time now) {
  advance(now);  // the time until now belongs to the slots there were
  set_key(behaviour_, where, key, value);
  if (key == "warm_up") warm_since_ = now;
}

void Server::set_as_configured(Time now) {
  advance(now);
  behaviour_ = config_.behaviour;
  warm_since_ = now;
}

void Server::reset_counters(Time now) {
  advance(now);
  counters_ = Counters();
  counters_.queue_peak = queue_.size();
}

void Server::count_answer(int status) noexcept {
  ++counters_.answers;
  if (status >= 400) ++counters_.errors;
  utilisation_.count_answer();
}

std::string Server::load_report(Time now) {
  advance(now);
  return utilisation_.report(busy_, queue_.size());
}

nlohmann::json Server::stats(std::size_t id, std::size_t open_connections, Time now) {
  advance(now);
  return {{"id", id},
          {"name", config_.name},
          {"address", config_.address},
          {"port", config_.port},
          {"down", behaviour_.is_down},
          {"connections", counters_.connections},
          {"open_connections", open_connections},
          {"requests", counters_.requests},
          {"answers", counters_.answers},
          {"errors", counters_.errors},
          {"rejected", counters_.rejected},
          {"abandoned", counters_.abandoned},
          {"busy_seconds", to_seconds(counters_.busy_time)},
          {"in_service", busy_},
          {"queued", queue_.size()},
          {"queue_peak", counters_.queue_peak}};
}

void Server::advance(Time now) noexcept {
  utilisation_.advance(now, behaviour_.slots, busy_, queue_.size());
  counters_.busy_time += (now - advanced_) * busy_;
  advanced_ = now;
}

bool Server::has_free_slot() const noexcept {
  return !behaviour_.hangs && (behaviour_.slots == 0 || busy_ < behaviour_.slots);
}

double Server::slowness(Time now) const noexcept {
  const WarmUp& warm_up = behaviour_.warm_up;
  const Duration warm = now - warm_since_;
  if (warm >= warm_up.span) return behaviour_.slow;
  const double progress = to_seconds(warm) / to_seconds(warm_up.span);
  return behaviour_.slow * (warm_up.from + (1 - warm_up.from) * progress);
}

}  // namespace leastwise::bench
