#include "admin/admin.h"

#include <httplib.h>

#include <stdexcept>

#include "admin/page.h"
#include "serve/clock.h"
#include "serve/sockets.h"

namespace leastwise::agent {
namespace {

constexpr std::size_t kThreads = 3;
constexpr time_t kPatience = 5;  // seconds for a slow client
constexpr std::size_t kMostRequests = 100;

void set_headers(httplib::Response& response) {
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("X-Frame-Options", "DENY");
  response.set_header("Referrer-Policy", "no-referrer");
  response.set_header("Content-Security-Policy",
                      "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; "
                      "style-src 'unsafe-inline'; frame-ancestors 'none'");
}

void refuse_other_methods(httplib::Server& server) {
  server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    set_headers(response);
    if (request.method == "GET") return httplib::Server::HandlerResponse::Unhandled;
    response.status = 405;
    response.set_header("Allow", "GET");
    response.set_content("only GET\n", "text/plain");
    return httplib::Server::HandlerResponse::Handled;
  });
}

// "Can pick": some server is known. Who watches this should not restart an agent that merely
// waits for HAProxy, so it is for people and dashboards.
bool can_pick(const StatusSources& sources) {
  for (const Registry::Snapshot& s : sources.registry.pools()) {
    if (s.pool.view().endpoints > 0) return true;
  }
  return false;
}

}  // namespace

struct Admin::Http {
  httplib::Server server;
};

Admin::Admin(const Address& address, const StatusSources& sources)
    : http_(std::make_unique<Http>()) {
  httplib::Server& server = http_->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_read_timeout(kPatience);
  server.set_write_timeout(kPatience);
  server.set_keep_alive_max_count(kMostRequests);
  server.set_keep_alive_timeout(kPatience);
  server.set_payload_max_length(1024);
  // httplib's default shares the port with whoever asks for it.
  server.set_socket_options([](socket_t fd) {
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  refuse_other_methods(server);
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(kStatusHtml.data(), kStatusHtml.size(), "text/html; charset=utf-8");
  });
  server.Get("/status", [sources](const httplib::Request&, httplib::Response& response) {
    response.set_content(status_json(sources, now()), "application/json");
  });
  server.Get("/metrics", [sources](const httplib::Request&, httplib::Response& response) {
    response.set_content(status_prometheus(sources, now()), "text/plain; version=0.0.4");
  });
  server.Get("/healthz", [sources](const httplib::Request&, httplib::Response& response) {
    const bool is_fine = can_pick(sources);
    response.status = is_fine ? 200 : 503;
    response.set_content(is_fine ? "ok\n" : "no server is known yet\n", "text/plain");
  });
  if (!server.bind_to_port(address.host.c_str(), address.port)) {
    throw std::runtime_error(with_errno("status \"" + address.text + '"'));
  }
}

Admin::~Admin() = default;

void Admin::run() { http_->server.listen_after_bind(); }

void Admin::stop() { http_->server.stop(); }

}  // namespace leastwise::agent
