#include "bench/backends/control.h"

#include "bench/common/query.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

void set(Controllable& controlled, const Query& query) {
  std::string selection;
  Changes changes;
  for (const auto& [key, value] : query) {
    if (key == "server") {
      selection = value;
    } else {
      changes.emplace_back(key, json_from_text(value));
    }
  }
  if (changes.empty()) throw refused("/set", "nothing to change", "server=...&KEY=VALUE&...");
  controlled.set(selection, changes);
}

void reset(Controllable& controlled, const Query& query) {
  if (query.empty()) return controlled.restart();
  if (query.size() == 1 && query[0].first == "counters") return controlled.reset_counters();
  throw refused("/reset", "\"" + query[0].first + "\"", "nothing, or ?counters");
}

}  // namespace

ControlAnswer handle_control(Controllable& controlled, std::string_view target) {
  const std::string_view path = path_of(target);
  const Query query = query_of(target);
  try {
    if (path == "/stats") return {200, controlled.stats().dump() + "\n"};
    if (path == "/set") {
      set(controlled, query);
    } else if (path == "/reset") {
      reset(controlled, query);
    } else if (path == "/quit") {
      controlled.quit();
    } else {
      return {404,
              "\"" + std::string(path) + "\" is refused; accepted: /stats, /set, /reset, /quit\n"};
    }
  } catch (const UsageError& error) {
    return {400, std::string(error.what()) + "\n"};
  }
  return {200, "ok\n"};
}

}  // namespace leastwise::bench
