#include "guard/outlier.h"

#include <algorithm>

#include "guard/median.h"
#include "leastwise/decay.h"
#include "words/estimates.h"

namespace leastwise::state {
namespace {

// An outlier is what does not fit: that others are alike is no reason to doubt it.
constexpr float kOutlierPrior = 4;
constexpr std::uint32_t kInARow = 5;
constexpr float kShareAbove = 0.3F;
constexpr float kTimesAbove = 2;
constexpr float kTimesSlower = 4;
constexpr float kEnoughEvidence = 8;  // in mean predictions
constexpr std::int64_t kLongestMs = 300'000;
constexpr std::uint32_t kMostDoublings = 12;

// Further ahead than an ejection lasts: the clock went back, or damage.
bool is_over(const Record& record, std::int64_t longest_ms, std::int64_t now_ms) noexcept {
  const std::int64_t left = record.ejected_until_ms.get() - now_ms;
  return left <= 0 || left > longest_ms;
}

class Watch {
 public:
  Watch(const Shared& shared, const Config& config, TimePoint now) noexcept
      : shared_(shared), config_(config), now_ms_(milliseconds(now)), plan_(shared->plan()) {
    decay_.set(config.decay, now);
  }

  void run() noexcept {
    look_at_all();
    for (std::size_t i = 0; i < shared_.capacity(); ++i) {
      if (!takes_part(i)) continue;
      const Ejection why = judge(i);
      if (why == Ejection::kNone) {
        forgive(shared_.records()[i]);
      } else if (may_eject()) {
        eject(i, why);
      }
    }
  }

 private:
  bool in_use(std::size_t i) const noexcept {
    return shared_.records()[i].is_in_use() &&
           (shared_.hot()[i].flags.get() & (kDown | kUnproven)) == 0;
  }
  bool takes_part(std::size_t i) const noexcept {
    return in_use(i) && (shared_.hot()[i].flags.get() & (kEjected | kProbeFailed)) == 0;
  }

  // Ends what is over, counts, and takes the medians.
  void look_at_all() noexcept {
    const std::size_t step = std::max<std::size_t>(1, shared_->endpoints.get() / Median::kMost);
    std::size_t seen = 0;
    for (std::size_t i = 0; i < shared_.capacity(); ++i) {
      if (!in_use(i)) continue;
      ++endpoints_;
      if ((shared_.hot()[i].flags.get() & kEjected) != 0 && !is_over(shared_.records()[i])) {
        ++ejected_;
        continue;
      }
      if ((shared_.hot()[i].flags.get() & kEjected) != 0) end_ejection(shared_, i);
      if ((shared_.hot()[i].flags.get() & kProbeFailed) != 0) {
        ++ejected_;  // one health: it is out already
        continue;
      }
      if (seen++ % step != 0) continue;
      shares_.add(error_now(shared_.hot()[i].error.get(), now_ms_));
      if (const float g = slowness_of(i); g > 0) slownesses_.add(g);
    }
    median_share_ = shares_.get();
    lower_share_ = shares_.lower();
    median_slowness_ = slownesses_.get();
  }

  // 0 where too little is known.
  float slowness_of(std::size_t i) const noexcept {
    const Speed s = speed::unpack(shared_.hot()[i].speed.get());
    const float left = decay_.left(s.epoch);
    if (!(s.work * left > kEnoughEvidence * plan_.mean_predicted.get())) return 0;
    return slowness(s, left, plan_, kOutlierPrior);
  }

  Ejection judge(std::size_t i) const noexcept {
    const float share = error_now(shared_.hot()[i].error.get(), now_ms_);
    // Shares fade together when nobody is asked any more: so others fail, too, while theirs is
    // much the same, however little is left of both.
    const bool others_fail =
        median_share_ > kShareAbove || share <= std::max(kErrorFree, kTimesAbove * lower_share_);
    if (shared_.records()[i].failures_in_a_row.get() >= kInARow && !others_fail) {
      return Ejection::kConsecutive;
    }
    if (share > median_share_ + kShareAbove) return Ejection::kFailures;
    if (median_slowness_ > 0 && slowness_of(i) > kTimesSlower * median_slowness_) {
      return Ejection::kLatency;
    }
    return Ejection::kNone;
  }

  bool may_eject() const noexcept {
    const std::size_t most = std::max<std::size_t>(1, endpoints_ * config_.outlier_max.value / 100);
    return ejected_ < most && ejected_ + 1 < endpoints_;
  }

  std::int64_t time_for(std::uint32_t times) const noexcept {
    const std::int64_t base = config_.outlier_time.count() / 1000;
    return std::min(base << std::min(times, kMostDoublings), std::max(kLongestMs, base));
  }

  void eject(std::size_t i, Ejection why) noexcept {
    Record& record = shared_.records()[i];
    const std::int64_t time = time_for(record.relapses.get());
    record.ejected_ms.set(time);
    record.ejected_until_ms.set(now_ms_ + time);
    record.ejected_why.set(why);
    record.relapses.set(std::min(record.relapses.get() + 1, kMostDoublings));
    record.ejections[static_cast<std::size_t>(why)].add(1);
    ++ejected_;
    shared_.hot()[i].flags.update([](std::uint32_t flags) noexcept { return flags | kEjected; });
  }

  bool is_over(const Record& record) const noexcept {
    const bool by_hand = record.ejected_why.get() == Ejection::kOperator;
    return state::is_over(record, by_hand ? record.ejected_ms.get() : longest_ms(), now_ms_);
  }
  std::int64_t longest_ms() const noexcept { return std::max(kLongestMs, time_for(0)); }

  // Good for as long as it was out: the next ejection is shorter by half.
  void forgive(Record& record) const noexcept {
    if (record.relapses.get() == 0) return;
    const std::int64_t left = record.ejected_until_ms.get() + record.ejected_ms.get() - now_ms_;
    if (left > 0 && left <= 2 * longest_ms()) return;  // else the clock went back
    record.relapses.set(record.relapses.get() - 1);
    record.ejected_until_ms.set(now_ms_);
  }

  const Shared& shared_;
  const Config& config_;
  std::int64_t now_ms_;
  const Plan& plan_;
  Decay decay_;
  std::size_t endpoints_ = 0, ejected_ = 0;
  Median shares_, slownesses_;
  float median_share_ = 0, lower_share_ = 0, median_slowness_ = 0;
};

// The directive was switched off, or too many fail their probes: nobody stays out but by an
// operator's word.
void release_all(const Shared& shared, TimePoint now) noexcept {
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Hot& hot = shared.hot()[i];
    if ((hot.flags.get() & kEjected) == 0) continue;
    const Record& record = shared.records()[i];
    if (record.ejected_why.get() != Ejection::kOperator) {
      hot.flags.update([](std::uint32_t flags) noexcept { return flags & ~kEjected; });
    } else if (is_over(record, record.ejected_ms.get(), milliseconds(now))) {
      end_ejection(shared, i);
    }
  }
}

}  // namespace

void end_ejection(const Shared& shared, std::size_t i) noexcept {
  forget(shared, i);
  shared.hot()[i].flags.update([](std::uint32_t flags) noexcept { return flags & ~kEjected; });
}

void watch_outliers(const Shared& shared, const Config& config, TimePoint now) noexcept {
  if (config.outlier && shared->panic.get() == 0) {
    Watch(shared, config, now).run();
  } else {
    release_all(shared, now);
  }
}

}  // namespace leastwise::state
