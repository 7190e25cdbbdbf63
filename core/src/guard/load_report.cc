#include "guard/load_report.h"

#include <algorithm>
#include <cmath>

#include "guard/median.h"
#include "leastwise/pool.h"
#include "memory/demand.h"
#include "words/packed.h"

namespace leastwise::state {
namespace {

constexpr float kSmoothingSeconds = 0.5F;
constexpr std::int64_t kFreshMs = 3000;  // of those that come with answers
constexpr float kLeastStep = 0.125F;     // of the smoothing: answers may come all at once
constexpr float kMostFactor = 2;         // a report makes a server so many times as dear, at most
constexpr float kLeastRoom = 0.05F;      // of a server that says it is full
constexpr float kCapacitySeconds = 20;
constexpr float kTolerance = 1.6F;  // what is foreign is a difference of two noisy figures

float blended(float old, float added, float step) noexcept {
  if (!(added >= 0)) return old;
  return old >= 0 ? old + step * (added - old) : added;
}

float room(float utilisation) noexcept { return std::max(kLeastRoom, 1 - utilisation); }

std::int32_t age_ms(std::uint32_t ms, std::int64_t now_ms) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ms) - ms);
}

std::int64_t fresh_ms(const Config& config) noexcept {
  return config.scrape.is_on()
             ? std::max(kFreshMs,
                        std::int64_t{config.scrape.fresh() / std::chrono::milliseconds(1)})
             : kFreshMs;
}

bool is_fresh(std::int32_t age, const Config& config) noexcept {
  return age >= 0 && age <= fresh_ms(config);
}

class Load {
 public:
  Load(const Shared& shared, const Config& config, TimePoint now) noexcept
      : shared_(shared),
        config_(config),
        now_ms_(milliseconds(now)),
        learns_speed_(config.chosen_policy().by_score) {}

  void look_at_all() noexcept {
    const std::size_t step = std::max<std::size_t>(1, shared_->endpoints.get() / Median::kMost);
    std::size_t seen = 0;
    for (Record& record : shared_.records()) {
      if (!record.is_in_use()) continue;
      const float u = utilisation_now(record, config_, now_ms_);
      if (u < 0 || seen++ % step != 0) continue;
      utilisations_.add(u);
      demands_.add(demand(record, u));
    }
  }

  void judge_all() noexcept {
    // Of two that report the fuller one is compared with the other.
    const float median_room = room(utilisations_.lower());
    const float median_demand = demands_.get();
    for (Record& record : shared_.records()) {
      const float u = utilisation_now(record, config_, now_ms_);
      if (u < 0) {
        record.report_factor.set(1);
        record.report_demand.set(1);
        continue;
      }
      const float expected = learns_speed_ ? room_for_own(record) / kTolerance : median_room;
      record.report_factor.set(std::clamp(expected / room(u), 1.0F, kMostFactor));
      const float d = demand(record, u);
      record.report_demand.set(
          std::clamp(median_demand > 0 ? d / median_demand : 1, kLeastDemand, kMostDemand));
      if (u > kLeastRoom) learn_capacity(record, d);
    }
  }

 private:
  static float demand(const Record& record, float utilisation) noexcept {
    return record.rate.get() / std::max(utilisation, kLeastRoom);
  }

  // What would be left of an endpoint if only our own requests filled it.
  static float room_for_own(const Record& record) noexcept {
    const float capacity = record.capacity.get();
    return capacity > 0 ? room(record.rate.get() / capacity) : kLeastRoom;
  }

  static void learn_capacity(Record& record, float demand) noexcept {
    const float old = record.capacity.get();
    const float step = seconds(Pool::kTickPeriod) / kCapacitySeconds;
    record.capacity.set(old > 0 && old < kMostRate / kLeastRoom ? old + step * (demand - old)
                                                                : demand);
  }

  const Shared& shared_;
  const Config& config_;
  std::int64_t now_ms_;
  bool learns_speed_;
  Median utilisations_, demands_;
};

// The directive was switched off: what was said counts no more.
void forget_all(const Shared& shared) noexcept {
  for (Record& record : shared.records()) {
    if (record.report_factor.get() != 0) record.report_factor.set(0);
    if (record.report_demand.get() != 0) record.report_demand.set(0);
  }
}

}  // namespace

void learn_report(Record& record, const LoadReport& report, const Config& config,
                  std::int64_t now_ms) noexcept {
  if (report.state == LoadReport::State::kNone) return;
  if (report.state == LoadReport::State::kRefused) {
    record.reports_refused.add(1);
    return;
  }
  record.reports.add(1);
  record.reported.update([&](std::uint64_t word) noexcept {
    Reported r = reported::unpack(word);
    float step = 1;
    if (const std::int32_t age = age_ms(r.ms, now_ms); is_fresh(age, config)) {
      const float elapsed = static_cast<float>(age) * 1e-3F;
      step = std::max(kLeastStep, 1 - std::exp(-elapsed / kSmoothingSeconds));
    } else {
      r = {};
    }
    return reported::pack({.utilisation = blended(r.utilisation, report.utilisation, step),
                           .cpu = blended(r.cpu, report.cpu, step),
                           .memory = blended(r.memory, report.memory, step),
                           .ms = static_cast<std::uint32_t>(now_ms)});
  });
}

void note_queue(Record& record, const LoadReport& report, std::int64_t now_ms) noexcept {
  if (report.waiting < 0 && report.running < 0) return;
  record.queued.set(queued::pack({.waiting = report.waiting,
                                  .running = report.running,
                                  .ms = static_cast<std::uint32_t>(now_ms)}));
}

float utilisation_now(const Record& record, const Config& config, std::int64_t now_ms) noexcept {
  const Reported r = reported::unpack(record.reported.get());
  return is_fresh(age_ms(r.ms, now_ms), config) ? r.utilisation : -1;
}

bool is_queue_known(const Record& record, const Config& config, std::int64_t now_ms) noexcept {
  return is_fresh(age_ms(queued::unpack(record.queued.get()).ms, now_ms), config);
}

void renew_load(const Shared& shared, const Config& config, TimePoint now) noexcept {
  if (!config.has_reports()) return forget_all(shared);
  Load load(shared, config, now);
  load.look_at_all();
  load.judge_all();
}

}  // namespace leastwise::state
