#include "companion/pool.h"

#include <algorithm>

#include "serve/log.h"

namespace leastwise::companion {

using agent::log;
using agent::LogLevel;

TimePoint PoolKeeper::poll(TimePoint now) {
  const TimePoint source_due = source_->poll(now);
  log_news();
  const auto& found = source_->targets();
  if (found && found != given_) {
    given_ = found;
    log(LogLevel::kInfo, {name_, ": ", discovery::summary_of(*given_)});
    driver_->want(*given_);
  }
  return std::min(source_due, driver_->poll(now));
}

void PoolKeeper::log_news() {
  for (const discovery::News& n : source_->take_news()) {
    const bool is_warning = n.kind == discovery::News::Kind::kWarning;
    log(is_warning ? LogLevel::kWarning : LogLevel::kInfo, {name_, ": ", n.text});
  }
}

}  // namespace leastwise::companion
