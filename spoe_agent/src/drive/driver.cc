#include "drive/driver.h"

#include "serve/log.h"

namespace leastwise::drive {

using discovery::Action;

const char* verb_of(Action action) noexcept {
  switch (action) {
    case Action::kAdd:
      return "added";
    case Action::kReady:
      return "ready again";
    case Action::kDrain:
      return "draining";
    case Action::kWeigh:
      return "weight changed";
    case Action::kPlace:
      return "zone changed";
    case Action::kRemove:
      break;
  }
  return "removed";
}

void Driver::count(Action action) noexcept {
  if (action == Action::kAdd) ++figures_.added;
  if (action == Action::kDrain) ++figures_.drained;
  if (action == Action::kRemove) ++figures_.removed;
}

void Driver::log_changes(const std::string& pool, bool says_refused) {
  std::string text;
  const auto say = [&](std::uint64_t now, std::uint64_t before, const char* what) {
    if (now == before) return;
    text += (text.empty() ? "" : ", ") + std::to_string(now - before) + " " + what;
  };
  say(figures_.added, logged_.added, "added");
  say(figures_.drained, logged_.drained, "draining");
  say(figures_.removed, logged_.removed, "removed");
  if (says_refused) say(figures_.refused, logged_.refused, "refused");
  logged_ = figures_;
  if (!text.empty()) agent::log(agent::LogLevel::kInfo, {pool, ": ", text});
}

}  // namespace leastwise::drive
