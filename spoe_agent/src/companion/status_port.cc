#include "companion/status_port.h"

#include <pthread.h>

#include <string>
#include <utility>

#include "serve/descriptors.h"
#include "serve/sockets.h"

namespace leastwise::companion {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);

agent::Answer page(int status, std::string_view type, std::string text) {
  return {.status = status, .type = type, .text = std::move(text), .parts = nullptr};
}

}  // namespace

StatusPort::StatusPort(const agent::Address& address)
    : protocol_(*this),
      server_(agent::listen_on(address, "status"), protocol_, counters_,
              {.connections = agent::kStatusConnections, .patience = kPatience}),
      thread_([this] {
        ::pthread_setname_np(::pthread_self(), "leastwise-http");
        server_.run();
      }) {}

StatusPort::~StatusPort() {
  server_.stop();
  thread_.join();
}

void StatusPort::show(Figures figures) {
  const std::lock_guard lock(mutex_);
  std::swap(figures_, figures);
}

agent::Answer StatusPort::get(std::string_view path, std::string_view /*query*/) {
  Figures now;
  {
    const std::lock_guard lock(mutex_);
    now = figures_;
  }
  if (path == "/metrics") return page(200, "text/plain; version=0.0.4", metrics_text(now));
  if (path == "/healthz") {
    return is_well(now)
               ? page(200, "text/plain", "ok\n")
               : page(503, "text/plain", "a source or a proxy is in trouble: see /metrics\n");
  }
  return page(404, "text/plain", "try /metrics or /healthz\n");
}

}  // namespace leastwise::companion
