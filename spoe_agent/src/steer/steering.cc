#include "steer/steering.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace leastwise::agent {
namespace {

// Chosen in a model of HAProxy's balancing (16 uneven servers at 35, 65 and 85 % of capacity): 2
// gains less at low load, 3 costs the mean at high load.
constexpr double kPower = 2.5;
// Of the way to where a weight belongs, each time. Down is quicker: a slow server costs more than
// one that could have had more.
constexpr double kStepUp = 0.2, kStepDown = 0.3;
const double kMostUp = std::log(1.25), kMostDown = std::log(2);
const double kLeastMerit = std::log(1.0 / 64);  // beside the best
constexpr double kFewRequests = 4;              // so many say half
constexpr double kLeastRequests = 16;           // of the pool, before anything is said
constexpr double kNoDifference = 0.05;
constexpr double kFailurePower = 8;  // a server that fails one in ten more gets 0.43
constexpr double kNotWorth = 0.05;   // a change by less is not told
constexpr double kFailsMore = 0.01;

std::string command(const std::string& backend, const std::string& server, std::uint32_t weight) {
  return "set server " + backend + '/' + server + " weight " + std::to_string(weight);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

std::vector<std::string> Steering::on_servers(const BackendInfo& backend, std::uint32_t pid,
                                              TimePoint now) {
  if (pid != pid_) begin(pid);
  if (now < next_) return {};
  next_ = now + kPeriod;
  learn(backend, now);
  judge();
  if (is_paused_ || !obstacle_.empty()) return {};
  return changes(backend.name);
}

// Another process has the weights of its configuration. What was learned of the servers stays.
void Steering::begin(std::uint32_t pid) noexcept {
  pid_ = pid;
  is_paused_ = false;
  for (auto& [name, server] : servers_) {
    server.history.restart();
    server.told = server.seen = 0;
  }
}

void Steering::learn(const BackendInfo& backend, TimePoint now) {
  obstacle_.clear();
  for (auto& [name, server] : servers_) server.is_here = false;
  for (const ServerInfo& info : backend.servers) {
    Server& server = servers_[info.name];
    server.is_here = true;
    server.asks_us = info.asks_us;
    note_weight(server, info);
    ServerFigures figures = info.figures;
    // TCP sessions pile up where clients stay, which is no fault of the server.
    if (!backend.is_http) figures.current = 0;
    server.history.add(figures, now);
    if (info.has_agent_check && !info.asks_us) obstacle_ = info.name;
  }
  std::erase_if(servers_, [](const auto& entry) { return !entry.second.is_here; });
}

// What is neither what we told nor what was there before was set by hand. An agent-check would
// undo that in a moment, and is answered by the configured weight alone.
void Steering::note_weight(Server& server, const ServerInfo& info) noexcept {
  if (info.asks_us) {
    server.configured = info.initial_weight;
    server.seen = info.weight;
    return;
  }
  const bool is_new = server.seen == 0 && server.told == 0;
  if (is_new) {
    server.configured = info.initial_weight;
  } else if (info.weight != server.told && info.weight != server.seen) {
    server.configured = info.weight;
  }
  if (info.weight == 0) server.configured = 0;
  if (server.configured == 0 && info.weight > 0) server.configured = info.weight;
  server.seen = info.weight;
}

void Steering::judge() noexcept {
  double requests = 0, sum = 0;
  for (const auto& [name, server] : servers_) {
    if (server.history.answer_ms() <= 0) continue;
    requests += server.history.evidence();
    sum += server.history.evidence() * std::log(server.history.answer_ms());
  }
  if (requests < kLeastRequests) return;
  has_evidence_ = true;
  const double usual = usual_failures();
  double best = kLeastMerit;
  for (auto& [name, server] : servers_) {
    const double way = merit_of(server, sum / requests, usual) - server.merit;
    server.merit += std::clamp(way * (way > 0 ? kStepUp : kStepDown), -kMostDown, kMostUp);
    best = std::max(best, server.merit);
  }
  for (auto& [name, server] : servers_) server.merit = std::max(server.merit, best + kLeastMerit);
}

// Where the server's merit belongs. A quick failure is no quick answer.
double Steering::merit_of(const Server& server, double pool_log_ms,
                          double usual_failures) const noexcept {
  const History& history = server.history;
  const double requests = history.evidence();
  if (history.answer_ms() <= 0 || requests <= 0) return 0;
  const double more_failures = std::clamp(history.failure_share() - usual_failures, 0.0, 0.99);
  double slower = std::log(history.answer_ms()) - pool_log_ms;
  if (more_failures > kFailsMore) slower = std::max(slower, 0.0);
  const double chance =
      kNoDifference + 1 / std::sqrt(std::min(requests, 512.0)) + 0.5 / history.answer_ms();
  slower = std::copysign(std::max(0.0, std::abs(slower) - chance), slower);
  const double merit = -kPower * slower + kFailurePower * std::log1p(-more_failures);
  return merit * requests / (requests + kFewRequests);
}

// What fails everywhere is nobody's fault.
double Steering::usual_failures() const {
  std::vector<double> shares;
  for (const auto& [name, server] : servers_) {
    if (server.history.evidence() >= 1) shares.push_back(server.history.failure_share());
  }
  return median(std::move(shares));
}

std::vector<std::string> Steering::changes(const std::string& backend) {
  double most = 0;
  bool differs = has_told_;
  for (const auto& [name, server] : servers_) {
    most = std::max(most, server.configured * std::exp(server.merit));
    differs |= server.configured > 0 &&
               (std::abs(server.merit) > kNotWorth || server.seen != server.configured);
  }
  std::vector<std::string> commands;
  if (!differs || !has_evidence_ || most <= 0) return commands;
  for (auto& [name, server] : servers_) {
    if (server.configured == 0) continue;
    const double share = server.configured * std::exp(server.merit) / most;
    const auto weight = std::max(1U, static_cast<std::uint32_t>(std::lround(share * kMostWeight)));
    const double change = std::abs(static_cast<double>(weight) - server.seen);
    if (server.told != 0 && change <= kNotWorth * server.seen) continue;
    server.told = weight;
    if (!server.asks_us) commands.push_back(command(backend, name, weight));
  }
  has_told_ = true;
  return commands;
}

std::vector<std::string> Steering::give_back(const std::string& backend) {
  std::vector<std::string> commands;
  for (auto& [name, server] : servers_) {
    // Also what an agent that was killed has left behind.
    if (server.configured > 0 && (server.told != 0 || server.seen != server.configured)) {
      commands.push_back(command(backend, name, server.configured));
    }
    server.told = 0;
  }
  has_told_ = false;
  return commands;
}

std::vector<Steering::View> Steering::view() const {
  std::vector<View> views;
  for (const auto& [name, server] : servers_) {
    views.push_back({.server = name,
                     .weight = server.seen,
                     .configured = server.configured,
                     .factor = std::exp(server.merit),
                     .answer_ms = server.history.answer_ms(),
                     .failures = server.history.failure_share(),
                     .told = server.told});
  }
  return views;
}

void Steering::recall(const View& server, std::uint32_t pid) {
  pid_ = pid;
  Server& known = servers_[server.server];
  known.configured = server.configured;
  known.seen = server.weight;
  known.told = server.told;
}

}  // namespace leastwise::agent
