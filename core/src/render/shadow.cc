// Pool: what it would have chosen and what it expects of that, for status pages and tests.
#include "render/shadow.h"

#include <algorithm>
#include <array>

#include "leastwise/pool.h"
#include "memory/state.h"
#include "render/json_text.h"
#include "words/quantile.h"

namespace leastwise {
namespace {

constexpr double kMicro = 1e-6;

struct Sums {
  std::uint64_t answers = 0, micros = 0, failures = 0;
  std::uint64_t weights = 0, would_micros = 0, would_failures = 0;
  std::uint64_t foreseen = 0, foreseen_micros = 0;
  std::array<std::uint64_t, Histogram::kBuckets> times{}, would_times{};

  void add(const state::ShadowBank& b) noexcept {
    answers += b.answers.get();
    micros += b.micros.get();
    failures += b.failures.get();
    weights += b.weights.get();
    would_micros += b.would_micros.get();
    would_failures += b.would_failures.get();
    foreseen += b.foreseen.get();
    foreseen_micros += b.foreseen_micros.get();
    for (std::size_t i = 0; i < times.size(); ++i) times[i] += b.times[i].get();
    for (std::size_t i = 0; i < times.size(); ++i) would_times[i] += b.would_times[i].get();
  }
};

// Counts that are too many for the words of quantile() are all divided.
float p99(const std::array<std::uint64_t, Histogram::kBuckets>& times) noexcept {
  std::uint64_t most = 0;
  for (const std::uint64_t n : times) most = std::max(most, n);
  unsigned shift = 0;
  while ((most >> shift) > UINT32_MAX) ++shift;
  BucketCounts counts;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] = static_cast<std::uint32_t>(times[i] >> shift);
  }
  return quantile(counts, 0.99F);
}

float mean(double sum, double count) noexcept {
  return count > 0 ? static_cast<float>(sum / count) : 0;
}

void tell(const Sums& sums, ShadowView& v) noexcept {
  constexpr double kUnit = state::ShadowBank::kUnit;
  const auto answers = static_cast<double>(sums.answers);
  const auto failures = static_cast<double>(sums.failures);
  const double weights = static_cast<double>(sums.weights) / kUnit;
  const double would_failures = static_cast<double>(sums.would_failures) / kUnit;
  v.answers = sums.answers;
  v.current = {.mean = mean(static_cast<double>(sums.micros) * kMicro, answers),
               .p99 = p99(sums.times),
               .failures = mean(failures, answers + failures)};
  v.foreseen =
      mean(static_cast<double>(sums.foreseen_micros) * kMicro, static_cast<double>(sums.foreseen));
  v.covered = std::min(1.0F, mean(weights + would_failures, answers + failures));
  if (v.covered < ShadowView::kEnough) return;
  v.leastwise = {.mean = mean(static_cast<double>(sums.would_micros) * kMicro, weights),
                 .p99 = p99(sums.would_times),
                 .failures = mean(would_failures, weights + would_failures)};
}

// null where nothing is known.
void render_ms(std::string_view name, float seconds, Text& out) noexcept {
  out << '"' << name << "\":";
  if (seconds > 0) {
    out << double{seconds} * kMillisecond;
  } else {
    out << "null";
  }
}

void render_side(const ShadowView::Side& side, Text& out) noexcept {
  out << '{';
  render_ms("mean_ms", side.mean, out);
  out << ',';
  render_ms("p99_ms", side.p99, out);
  out << ",\"failures\":" << double{side.failures};
}

}  // namespace

ShadowView Pool::shadow(TimePoint now) const noexcept {
  ShadowView v;
  if (header_ == nullptr) return v;
  const state::Shadow& shadow = header_->shadow;
  Sums sums;
  for (const state::ShadowLane& lane : shadow.lanes) {
    v.decisions += lane.decisions.get();
    v.differ += lane.differ.get();
    for (const state::ShadowBank& bank : lane.banks) sums.add(bank);
  }
  const std::int64_t before_ms = shadow.before_ms.get();
  const std::int64_t since_ms = before_ms != 0 ? before_ms : shadow.since_ms.get();
  const std::int64_t span_ms = milliseconds(now) - since_ms;
  if (since_ms != 0 && span_ms > 0 && span_ms < 4 * state::Shadow::kBankMs) {
    v.seconds = static_cast<float>(span_ms) * 1e-3F;
  }
  if (v.differ > v.decisions) v.differ = v.decisions;  // they are read one after the other
  tell(sums, v);
  return v;
}

void render_shadow(const NamedPool& named, TimePoint now, Text& out) noexcept {
  out << "\"shadow\":";
  if (!named.config->observe) {
    out << "null,";
    return;
  }
  const ShadowView v = named.pool.shadow(now);
  out << "{\"seconds\":" << double{v.seconds} << ",\"decisions\":" << v.decisions
      << ",\"differ\":" << v.differ << ",\"answers\":" << v.answers
      << ",\"covered\":" << double{v.covered} << ",\"current\":";
  render_side(v.current, out);
  out << ',';
  render_ms("expected_ms", v.foreseen, out);
  out << "},\"leastwise\":";
  render_side(v.leastwise, out);
  out << "}},";
}

}  // namespace leastwise
