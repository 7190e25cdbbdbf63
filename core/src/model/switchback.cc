#include "model/switchback.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "leastwise/rng.h"

namespace leastwise {
namespace {

constexpr double kForget = 0.995;  // per second that counted: a memory of 200

std::int64_t fallback_ms(std::uint32_t fallbacks) noexcept {
  return Switchback::kFallbackMs << std::min(fallbacks, Switchback::kMostDoublings);
}

// Which second of the cycle is the control's: at random, so that nothing periodic goes with it.
bool is_control(std::uint32_t second) noexcept {
  const std::uint32_t cycle = second / Switchback::kCycle;
  return second % Switchback::kCycle == Rng(cycle + 1).below(Switchback::kCycle);
}

// Words of plain data that others read meanwhile. A pair that does not belong together is shown
// once, and nothing is concluded from it.
void put(double& word, double value) noexcept {
  std::atomic_ref<double>(word).store(value, std::memory_order_relaxed);
}
double look_at(const double& word) noexcept {
  return std::atomic_ref<double>(const_cast<double&>(word)).load(std::memory_order_relaxed);
}

}  // namespace

void Switchback::Arm::add(double x) noexcept {
  put(seconds, seconds + 1);
  const double off = x - mean;
  put(mean, mean + off / seconds);
  squares += off * (x - mean);
}

void Switchback::Arm::fade() noexcept {
  put(seconds, seconds * kForget);
  squares *= kForget;
}

void Switchback::Arm::clear() noexcept {
  put(seconds, 0);
  put(mean, 0);
  squares = 0;
}

void Switchback::clear() noexcept {
  chooser_ = Chooser{};
  is_measuring_ = second_ = fallbacks_ = 0;
  since_ms_ = 0;
  from_ = {};
  for (Arm& arm : arms_) arm.clear();
}

double Switchback::Arm::typical() const noexcept {
  return look_at(seconds) > 0 ? std::exp(look_at(mean)) : 0;
}

double Switchback::Arm::variance_of_mean() const noexcept {
  return squares / ((seconds - 1) * seconds);
}

Switchback::Step Switchback::step_at(std::int64_t now_ms) noexcept {
  const std::int64_t age = now_ms - since_ms_;
  if (chooser_ == Chooser::kFallback) {
    if (age >= 0 && age < fallback_ms(fallbacks_)) return Step::kNothing;
    ++fallbacks_;
    for (Arm& arm : arms_) arm.clear();
    start_second(now_ms);
    return Step::kNothing;
  }
  // The first call, a clock that went back, or a process that slept.
  if (age < 0 || age >= 2 * kSecondMs || chooser_ > Chooser::kFallback) {
    start_second(now_ms);
    return Step::kNothing;
  }
  if (age >= kSecondMs) return is_measuring_ != 0 ? Step::kEnd : Step::kNothing;
  return age >= kSettleMs && is_measuring_ == 0 ? Step::kBegin : Step::kNothing;
}

void Switchback::start_second(std::int64_t now_ms) noexcept {
  ++second_;
  chooser_ = is_control(second_) ? Chooser::kControl : Chooser::kPolicy;
  since_ms_ = now_ms;
  is_measuring_ = 0;
}

void Switchback::end(const Totals& to, std::int64_t now_ms) noexcept {
  if (!is_sane()) {
    for (Arm& arm : arms_) arm.clear();
  }
  const bool was_control = chooser_ == Chooser::kControl;
  learn(to, arms_[was_control ? 1 : 0], arms_[was_control ? 0 : 1]);
  if (was_control && is_worse()) return fall_back(now_ms);
  if (is_known_good()) fallbacks_ = 0;
  start_second(now_ms);
}

void Switchback::learn(const Totals& to, Arm& arm, Arm& other) noexcept {
  const std::uint64_t answers = to.answers - from_.answers;
  const std::uint64_t failures = to.failures - from_.failures;
  // Counters of an endpoint whose place was taken by another begin again: then they go back.
  const bool goes_on = to.answers >= from_.answers && to.failures >= from_.failures &&
                       to.micros >= from_.micros && failures <= answers;
  if (!goes_on || answers < kLeastAnswers) return;
  const auto all = static_cast<double>(answers);
  const double mean = std::max(static_cast<double>(to.micros - from_.micros) / all, 1.0) * 1e-6;
  const double usual = std::max(mean, other.typical());
  arm.fade();
  other.fade();
  arm.add(std::log(mean + kFailureTimes * usual * static_cast<double>(failures) / all));
}

void Switchback::fall_back(std::int64_t now_ms) noexcept {
  chooser_ = Chooser::kFallback;
  since_ms_ = now_ms;
  is_measuring_ = 0;
}

// What measuring can have given.
bool Switchback::is_sane() const noexcept {
  constexpr double kMostSeconds = 1 / (1 - kForget) + 1;
  constexpr double kMostMean = 50;  // of a logarithm
  return std::ranges::all_of(arms_, [](const Arm& arm) noexcept {
    return arm.seconds >= 0 && arm.seconds <= kMostSeconds && std::abs(arm.mean) <= kMostMean &&
           arm.squares >= 0 && arm.squares <= kMostSeconds * kMostMean * kMostMean;
  });
}

bool Switchback::is_worse() const noexcept {
  const auto& [ours, control] = arms_;
  if (!(ours.seconds >= kLeastSeconds && control.seconds >= kLeastSeconds)) return false;
  const double worse = ours.mean - control.mean;
  const double variance = ours.variance_of_mean() + control.variance_of_mean();
  return worse > std::log(kWorse) && worse * worse > kErrors * kErrors * variance;
}

bool Switchback::is_known_good() const noexcept {
  return arms_[1].seconds >= 2 * kLeastSeconds && arms_[0].mean <= arms_[1].mean;
}

}  // namespace leastwise
