#include "steer/history.h"

#include <algorithm>
#include <cmath>

namespace leastwise::agent {
namespace {

constexpr double kWindow = 512;  // HAProxy's TIME_STATS_SAMPLES
// Readings back: what changed just now, in the last seconds, and slowly.
constexpr std::array<std::size_t, 3> kLooksBack = {2, 8, 32};
constexpr std::size_t kSoon = 8;      // four seconds
constexpr double kLeastAnswer = 0.5;  // ms: HAProxy's 0 and 1 can not be told apart
constexpr double kErrors = 2;         // standard ones, beyond which nothing is chance
constexpr double kFewRequests = 4;    // so many say little of a share of failures
constexpr double kUsualSeconds = 30;

double seconds(Duration d) noexcept { return std::chrono::duration<double>(d).count(); }

// How much of an average of the last requests is still what it was before `sessions` more.
double remains(double before, double now) noexcept {
  if (now <= kWindow) return before / now;
  if (before < kWindow) return before / kWindow * std::pow(1 - 1 / kWindow, now - kWindow);
  return std::pow(1 - 1 / kWindow, now - before);
}

double beyond(double difference, double error) noexcept {
  return std::copysign(std::max(0.0, std::abs(difference) - error), difference);
}

}  // namespace

void History::add(const ServerFigures& figures, TimePoint now) {
  if (size_ > 0 && figures.sessions < ago(0).figures.sessions) restart();
  const double since = size_ > 0 ? std::max(0.0, seconds(now - ago(0).at)) : 0;
  evidence_ *= std::exp(-since / seconds(kMemory));
  if (size_ > 0) evidence_ += static_cast<double>(figures.sessions - ago(0).figures.sessions);
  newest_ = (newest_ + 1) % kReadings;
  size_ = std::min(size_ + 1, kReadings);
  readings_[newest_] = {now, figures};
  if (figures.sessions > 0 && size_ > 1) {
    answer_ms_ = std::max({kLeastAnswer, mean_answer(), stuck_for_ms()});
  }
  if (size_ == 1) usual_sessions_ = figures.current;
  usual_sessions_ += (figures.current - usual_sessions_) * std::min(1.0, since / kUsualSeconds);
}

double History::mean_answer() const noexcept {
  double most = 0;
  for (const std::size_t back : kLooksBack) {
    if (back >= size_) break;
    const double found = correction(ago(back));
    if (std::abs(found) > std::abs(most)) most = found;
  }
  return ago(0).figures.answer + most;
}

// To the average, by the requests since `then`.
double History::correction(const Reading& then) const noexcept {
  const ServerFigures& now = ago(0).figures;
  const auto before = static_cast<double>(then.figures.sessions);
  const double requests = static_cast<double>(now.sessions) - before;
  if (before < 1 || requests < 2) return 0;
  const double old = remains(before, static_cast<double>(now.sessions));
  const double mean = std::max(0.0, (now.answer - then.figures.answer * old) / (1 - old));
  const double rounding = 0.5 * (1 + old) / (1 - old);
  const double chance = kErrors * std::max<double>(mean, now.answer) / std::sqrt(requests);
  return beyond(mean - now.answer, rounding + chance);
}

// By Little's law, of the sessions that are beyond what is usual by more than chance.
double History::stuck_for_ms() const noexcept {
  const Reading& now = ago(0);
  const Reading& then = ago(std::min<std::size_t>(4, size_ - 1));
  const double time = seconds(now.at - then.at);
  const double current = now.figures.current;
  const double beyond_usual = current - kErrors * std::sqrt(current) - 1 - usual_sessions_;
  if (beyond_usual <= 0 || time <= 0) return 0;
  const double began = static_cast<double>(now.figures.sessions - then.figures.sessions);
  return 1000 * beyond_usual * time / std::max(1.0, began);
}

double History::failure_share() const noexcept {
  if (size_ < 2) return 0;
  const ServerFigures& now = ago(0).figures;
  const ServerFigures& then = ago(std::min(kSoon, size_ - 1)).figures;
  if (now.failures <= then.failures) return 0;
  const double failures = static_cast<double>(now.failures - then.failures);
  const double requests = static_cast<double>(now.sessions - then.sessions);
  return failures / std::max(failures + kFewRequests, requests + kFewRequests);
}

}  // namespace leastwise::agent
