#include "admin/admin.h"

#include <utility>

#include "leastwise/live_page.h"
#include "serve/clock.h"
#include "serve/descriptors.h"

namespace leastwise::agent {
namespace {

// For the head of a request, and for each part of an answer.
constexpr Duration kPatience = std::chrono::seconds(5);

// "Can pick": some server is known. Who watches this should not restart an agent that merely
// waits for HAProxy, so it is for people and dashboards.
bool can_pick(const StatusSources& sources) {
  for (const Registry::Snapshot& s : sources.registry.pools()) {
    if (s.pool.view().endpoints > 0) return true;
  }
  return false;
}

Answer page(std::string_view type, std::string text, int status = 200) {
  return {.status = status, .type = type, .text = std::move(text), .parts = nullptr};
}

Answer document(std::string_view type, std::unique_ptr<Parts> parts) {
  return {.status = 200, .type = type, .text = {}, .parts = std::move(parts)};
}

}  // namespace

Admin::Admin(Fd listener, const StatusSources& sources, std::string control_token)
    : sources_(sources),
      control_(sources.registry, std::move(control_token)),
      protocol_(*this),
      server_(std::move(listener), protocol_, counters_,
              {.connections = kStatusConnections, .patience = kPatience}) {}

Answer Admin::get(std::string_view path, std::string_view query) {
  const bool is_page = path == "/";
  const bool is_data = is_page && query == kLivePageQuery;
  if (is_page && !is_data) return page(kLivePageType, std::string(live_page()));
  if (path == "/status" || is_data)
    return document("application/json", status_json(sources_, now()));
  if (path == "/metrics") {
    return document("text/plain; version=0.0.4", status_prometheus(sources_, now()));
  }
  if (path == "/healthz") {
    return can_pick(sources_) ? page("text/plain", "ok\n")
                              : page("text/plain", "no server is known yet\n", 503);
  }
  return page("text/plain", "try /, /status, /metrics or /healthz\n", 404);
}

}  // namespace leastwise::agent
