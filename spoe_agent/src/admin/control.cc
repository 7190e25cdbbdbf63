#include "admin/control.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "admin/written.h"
#include "config/token.h"
#include "control/answer.h"
#include "control/body.h"
#include "serve/clock.h"

namespace leastwise::agent {
namespace {

using control::Body;
using control::BodyKind;
using control::Refusal;
using Snapshot = Registry::Snapshot;

enum class Action : std::uint8_t { kNone, kDrain, kEject, kReady, kReset, kUneject };
constexpr std::string_view kActions[] = {"", "drain", "eject", "ready", "reset", "uneject"};

constexpr std::string_view kRoot = "/control/9/haproxy/upstreams/";

// What a path names. The views are of the path.
struct Target {
  std::string_view backend, server;
  Action action = Action::kNone;
};

// Up to the next slash, which is taken, too.
std::string_view take_segment(std::string_view& path) noexcept {
  const std::size_t size = std::min(path.find('/'), path.size());
  const std::string_view segment(path.data(), size);
  path.remove_prefix(std::min(size + 1, path.size()));
  return segment;
}

std::optional<Target> parse(std::string_view path) noexcept {
  if (!path.starts_with(kRoot)) return {};
  path.remove_prefix(kRoot.size());
  Target target;
  target.backend = take_segment(path);
  if (take_segment(path) != "servers") return {};
  target.server = take_segment(path);
  const auto* const found = std::ranges::find(kActions, take_segment(path));
  if (found == std::end(kActions) || !path.empty()) return {};
  target.action = static_cast<Action>(found - std::begin(kActions));
  return target;
}

template <typename Render>
Answer json(int status, Render render) {
  return {.status = status, .type = "application/json", .text = written(render), .parts = nullptr};
}

Answer refuse(const Refusal& refusal, std::string_view header = {}) {
  Answer answer = json(static_cast<int>(refusal.status),
                       [&](Text& out) noexcept { control::render(refusal, out); });
  answer.header = header;
  return answer;
}

Answer refuse_method(std::string_view header) {
  std::array<char, 96> buffer;
  Text text(buffer);
  text << "this path takes " << header.substr(header.find(' ') + 1) << " only";
  return refuse({405, "MethodNotAllowed", text.view()}, header);
}

// "haproxy/app/s1@10.0.0.1:80" is s1. Names of HAProxy have no "@".
std::string_view server_of(std::string_view endpoint_name) noexcept {
  std::string_view name = control::address_of(endpoint_name);
  name.remove_suffix(name.size() - std::min(name.find('@'), name.size()));
  return name;
}

EndpointId find(const Pool& pool, std::string_view server) noexcept {
  EndpointId found = kNoEndpoint;
  pool.for_each([&](EndpointId id) noexcept {
    if (server_of(pool.endpoint_name(id)) == server) found = id;
  });
  return found;
}

void tell(const Snapshot& backend, EndpointId id, std::string_view what) {
  log(LogLevel::kInfo, {"control: server ", server_of(backend.pool.endpoint_name(id)),
                        " of backend ", backend.name, ": ", what});
}

void change(Snapshot& backend, EndpointId id, const Change& change) {
  backend.pool.change(id, change);
  std::array<char, 160> buffer;
  Text text(buffer);
  control::render_settings(backend.pool.settings(id), text);
  tell(backend, id, text.view());
}

Change draining() noexcept {
  Change change{.fields = Change::kDrainingFlag};
  change.to.flags = kDraining;
  return change;
}

Refusal act_on(Snapshot& backend, EndpointId id, Action action, const Body& body) {
  switch (action) {
    case Action::kNone:
      change(backend, id, body.change);
      return {};
    case Action::kDrain:
      change(backend, id, draining());
      return {};
    case Action::kReady:
      backend.pool.bring_back(id);
      change(backend, id, {.undone = backend.pool.changed(id)});
      return {};
    case Action::kEject:
      backend.pool.eject(id, body.time.value_or(backend.config.outlier_time), now());
      tell(backend, id, "left out for a while");
      return {};
    case Action::kUneject:
      if (!backend.pool.bring_back(id)) {
        return {409, "UpstreamServerNotEjected", "the server is not left out: nothing to undo"};
      }
      tell(backend, id, "left out no more");
      return {};
    case Action::kReset:
      backend.pool.forget(id);
      tell(backend, id, "what was learned is forgotten");
      return {};
  }
  return {404, "PathNotFound", "no such action"};
}

bool is_reading(std::string_view method) noexcept { return method == "GET" || method == "HEAD"; }

Answer show(const Snapshot& backend, EndpointId id) {
  return json(200, [&](Text& out) noexcept {
    if (id == kNoEndpoint) return control::render_servers(backend.pool, backend.config, now(), out);
    control::render_server(backend.pool, id, backend.config, now(), out);
    out << '\n';
  });
}

Answer carry_out(Snapshot& backend, EndpointId id, Action action, std::string_view text) {
  if (backend.mode != Mode::kPick) {
    return refuse(
        {409, "UpstreamOnlySteered",
         "the backend is of mode weights, where HAProxy chooses: tell it, by \"set server "
         "BACKEND/SERVER state drain\""});
  }
  Body body;
  std::array<char, 256> buffer;
  Text error(buffer);
  const bool takes_none = action != Action::kNone && action != Action::kEject;
  if (takes_none && !text.empty()) {
    return refuse({400, "BodyFormatError", "this action takes no body"});
  }
  const BodyKind kind = action == Action::kNone ? BodyKind::kPicks : BodyKind::kEject;
  if (!takes_none && !control::read_body(kind, text, body, error)) {
    return refuse({400, "BodyFormatError", error.view()});
  }
  if (const Refusal refusal = act_on(backend, id, action, body)) return refuse(refusal);
  return show(backend, id);
}

}  // namespace

bool Control::is_at(std::string_view path) noexcept {
  return path == kPath || (path.starts_with(kPath) && path[kPath.size()] == '/');
}

void Control::set_token(std::string token) {
  const std::lock_guard lock(mutex_);
  token_.swap(token);
}

bool Control::is_allowed(std::string_view authorization, bool& is_off) {
  constexpr std::string_view kScheme = "Bearer ";
  const bool has_scheme = authorization.starts_with(kScheme);
  if (has_scheme) authorization.remove_prefix(kScheme.size());
  const std::lock_guard lock(mutex_);
  is_off = token_.empty();
  if (has_scheme && is_token(authorization, token_)) return true;
  if (!is_off && has_scheme && may_complain_.allows(now())) {
    log(LogLevel::kWarning, {"control: a request with another token was refused"});
  }
  return false;
}

Answer Control::act(const ActRequest& request) {
  bool is_off = false;
  if (!is_allowed(request.authorization, is_off)) {
    if (is_off) return refuse({403, "ControlOff", "off: set control_token_file in leastwise.conf"});
    return refuse({401, "Unauthorized", "expected the header \"Authorization: Bearer TOKEN\""},
                  "WWW-Authenticate: Bearer");
  }
  const std::optional<Target> target = parse(request.path);
  if (!target) {
    return refuse({404, "PathNotFound",
                   "expected /control/9/haproxy/upstreams/BACKEND/servers[/SERVER"
                   "[/drain|eject|ready|reset|uneject]]"});
  }
  std::vector<Snapshot> backends = registry_.pools();
  const auto backend = std::ranges::find(backends, target->backend, &Snapshot::name);
  if (backend == backends.end()) {
    return refuse({404, "UpstreamNotFound", "leastwise.conf has no backend of that name"});
  }
  if (target->server.empty()) {
    if (target->action != Action::kNone) return refuse({404, "PathNotFound", "no server is named"});
    return is_reading(request.method) ? show(*backend, kNoEndpoint)
                                      : refuse_method("Allow: GET, HEAD");
  }
  const EndpointId id = find(backend->pool, target->server);
  if (id == kNoEndpoint) {
    return refuse({404, "UpstreamServerNotFound",
                   "HAProxy has no server of that name in this backend; GET …/servers lists those "
                   "that there are"});
  }
  if (target->action == Action::kNone && is_reading(request.method)) return show(*backend, id);
  if (request.method != (target->action == Action::kNone ? "PATCH" : "POST")) {
    return refuse_method(target->action == Action::kNone ? "Allow: GET, HEAD, PATCH"
                                                         : "Allow: POST");
  }
  return carry_out(*backend, id, target->action, request.body);
}

}  // namespace leastwise::agent
