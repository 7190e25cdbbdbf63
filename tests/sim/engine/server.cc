#include "engine/server.h"

#include <algorithm>
#include <limits>

namespace leastwise::sim {
namespace {

constexpr std::size_t kBatch = 32;
constexpr double kBatchSlowdown = 16;

bool later(const Server::Running& a, const Server::Running& b) { return a.done_at > b.done_at; }

std::size_t slots_of(Discipline discipline, std::uint32_t cores) {
  switch (discipline) {
    case Discipline::kFirstCome:
      return cores;
    case Discipline::kBatching:
      return kBatch;
    case Discipline::kSharing:
      break;
  }
  return std::numeric_limits<std::size_t>::max();
}

}  // namespace

Server::Server(const Scenario& scenario, std::uint32_t number, double speed)
    : discipline_(scenario.discipline),
      cores_(scenario.cores[number % scenario.cores.size()]),
      base_speed_(speed),
      rtt_(scenario.rtt_ms[number % scenario.rtt_ms.size()]),
      warm_ms_(scenario.restarts.warm_ms),
      warm_from_(scenario.restarts.warm_from),
      lie_(scenario.reports[number % scenario.reports.size()]),
      warms_(scenario.restarts.count > 0),
      slots_(slots_of(discipline_, cores_)),
      cached_prefixes_(scenario.prefixes.cached) {}

void Server::advance(double now) {
  const double elapsed = now - last_;
  if (elapsed <= 0) return;
  if (!running_.empty()) virtual_ += elapsed * rate_;
  last_ = now;
}

bool Server::enqueue(JobId job, double size) {
  if (running_.size() >= slots_) {
    queue_.push_back(job);
    return false;
  }
  push(job, size);
  return true;
}

std::vector<JobId> Server::crash() {
  std::vector<JobId> lost;
  for (const Running& r : running_) lost.push_back(r.job);
  lost.insert(lost.end(), queue_.begin(), queue_.end());
  running_.clear();
  queue_.clear();
  up_ = false;
  ++version_;
  return lost;
}

void Server::restart(double now) {
  up_ = true;
  up_since_ = now;
  last_ = now;
}

std::optional<double> Server::plan(double now) {
  rate_ = rate(now);
  ++version_;
  if (running_.empty()) return {};
  return now + std::max(0.0, (running_.front().done_at - virtual_) / rate_);
}

bool Server::touch_prefix(std::uint32_t group) {
  const auto at = std::find(prefixes_.begin(), prefixes_.end(), group);
  const bool hit = at != prefixes_.end();
  if (hit) prefixes_.erase(at);
  prefixes_.push_front(group);
  if (prefixes_.size() > cached_prefixes_) prefixes_.pop_back();
  return hit;
}

double Server::speed(double now) const {
  double warm = 1;
  if (up_since_ >= 0 && warms_) {
    const double share = (now - up_since_) / warm_ms_;
    if (share < 1) warm = warm_from_ + (1 - warm_from_) * share;
  }
  return base_speed_ * antagonist_ * grey_ * warm;
}

double Server::reported_utilisation(double now) const {
  if (lie_ >= 0) return lie_;
  const double slots = discipline_ == Discipline::kBatching ? kBatch : cores_;
  const double busy = std::min(1.0, static_cast<double>(running_.size()) / slots);
  return 1 - speed(now) / base_speed_ * (1 - busy);
}

double Server::capacity() const {
  if (discipline_ == Discipline::kBatching)
    return base_speed_ * kBatch / (1 + kBatch / kBatchSlowdown);
  return cores_ * base_speed_;
}

double Server::rate(double now) const {
  const double v = speed(now);
  const auto k = static_cast<double>(running_.size());
  if (running_.empty()) return v;
  if (discipline_ == Discipline::kBatching) return v / (1 + k / kBatchSlowdown);
  if (discipline_ == Discipline::kSharing) return v * std::min(1.0, cores_ / k);
  return v;
}

void Server::push(JobId job, double size) {
  running_.push_back({virtual_ + size, job});
  std::push_heap(running_.begin(), running_.end(), later);
}

JobId Server::pop() {
  const JobId job = running_.front().job;
  std::pop_heap(running_.begin(), running_.end(), later);
  running_.pop_back();
  return job;
}

}  // namespace leastwise::sim
