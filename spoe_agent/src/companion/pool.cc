#include "companion/pool.h"

#include <algorithm>

#include "serve/log.h"

namespace leastwise::companion {
namespace {

using agent::log;
using agent::LogLevel;

std::optional<double> seconds_since(const std::optional<TimePoint>& then, TimePoint now) {
  if (!then) return std::nullopt;
  return std::chrono::duration<double>(std::max(now - *then, Duration::zero())).count();
}

}  // namespace

std::string_view word_of(Kind kind) {
  return std::ranges::find(pool_kinds(), kind, &KindWords::kind)->name;
}

PoolKeeper::PoolKeeper(PoolConfig config, std::unique_ptr<discovery::Source> source,
                       std::unique_ptr<drive::Driver> driver)
    : config_(std::move(config)),
      name_(std::string(word_of(config_.kind)) + ' ' + config_.name),
      source_(std::move(source)),
      driver_(std::move(driver)) {}

TimePoint PoolKeeper::poll(TimePoint now) {
  const TimePoint source_due = source_->poll(now);
  if (std::exchange(answers_, source_->figures().answers) != answers_) answered_ = now;
  log_news();
  const auto& found = source_->targets();
  if (found && found != given_) {
    given_ = found;
    log(LogLevel::kInfo, {name_, ": ", discovery::summary_of(*given_)});
    driver_->want(*given_);
  }
  const TimePoint driver_due = driver_->poll(now);
  if (driver_->figures().is_settled) settled_ = now;
  return std::min(source_due, driver_due);
}

PoolFigures PoolKeeper::figures(TimePoint now) const {
  PoolFigures figures{.kind = std::string(word_of(config_.kind)),
                      .name = config_.name,
                      .is_current = source_->is_current(),
                      .source_age_s = seconds_since(answered_, now),
                      .proxy_age_s = seconds_since(settled_, now),
                      .source = source_->figures(),
                      .driver = driver_->figures()};
  if (!given_) return figures;
  for (const auto& [address, target] : *given_) {
    ++(target.state == discovery::State::kUp ? figures.up : figures.draining);
  }
  return figures;
}

void PoolKeeper::log_news() {
  for (const discovery::News& n : source_->take_news()) {
    const bool is_warning = n.kind == discovery::News::Kind::kWarning;
    log(is_warning ? LogLevel::kWarning : LogLevel::kInfo, {name_, ": ", n.text});
  }
}

}  // namespace leastwise::companion
