#include "control/servers.h"

#include "shared/slots.h"
#include "shared/upstream.h"
#include "shared/zone.h"

namespace leastwise::nginx {
namespace {

// "server "10.0.0.1:80" of upstream "app": weight=3 …"
void tell(const Upstream& upstream, EndpointId id, std::string_view what, ngx_log_t& log) noexcept {
  ngx_str_t server = to_ngx(address_of(upstream.pool.endpoint_name(id)));
  ngx_str_t text = to_ngx(what);
  ngx_log_error(NGX_LOG_NOTICE, &log, 0, "control: server \"%V\" of upstream \"%V\": %V", &server,
                &upstream.shown_name, &text);
}

// What only one that is new may be told has to be as it is.
Refusal check_fixed(const Upstream& upstream, EndpointId id, const Body& body) noexcept {
  constexpr std::uint32_t kBad = 400;
  const std::string_view server = address_of(upstream.pool.endpoint_name(id));
  if (body.address_size != 0 && body.server() != server) {
    return {kBad, "UpstreamServerImmutable",
            "\"server\": the address of a server does not change; leave it out"};
  }
  const bool backup = (upstream.pool.settings(id).flags & kBackup) != 0;
  if (body.backup && *body.backup != backup) {
    return {kBad, "UpstreamServerImmutable",
            "\"backup\": whether a server is a backup does not change; leave it out"};
  }
  if (body.slow_start && *body.slow_start != upstream.config.slow_start) {
    return {kBad, "UpstreamServerImmutable",
            "\"slow_start\": it is the upstream's, set by leastwise_slow_start; leave it out"};
  }
  return {};
}

std::size_t count_added(const Pool& pool) noexcept {
  std::size_t n = 0;
  pool.for_each([&](EndpointId id) noexcept {
    if ((pool.configured(id).flags & kAdded) != 0) ++n;
  });
  return n;
}

// Whether it is something that may be added; its address goes into `server`.
Refusal check_new(const Upstream& upstream, const Body& body, ngx_pool_t& memory,
                  Server& server) noexcept {
  if (upstream.slots == 0) {
    return {400, "UpstreamStatic",
            "the upstream keeps no room: set \"leastwise_slots NUMBER;\" in it, and reload"};
  }
  if (body.address_size == 0 || !read_address(body.server(), memory, server)) {
    return {400, "UpstreamConfFormatError",
            "\"server\": expected an address with its port, \"10.0.0.1:8080\" or "
            "\"[2001:db8::1]:8080\", or \"unix:/PATH\"; names are not looked up"};
  }
  if (body.slow_start && *body.slow_start != upstream.config.slow_start) {
    return {400, "UpstreamConfFormatError",
            "\"slow_start\": it is the upstream's, set by leastwise_slow_start; leave it out"};
  }
  return {};
}

// This worker is about to end, or the list of servers changed meanwhile.
Refusal reloading() noexcept {
  return {503, "UpstreamReloading", "nginx is just taking up another list of servers: ask again"};
}

// Another worker may be adding one as well: what is found here still holds when it is done.
Refusal seat(Upstream& upstream, std::string_view name, const Server& server, bool sets_remote,
             EndpointId& out) noexcept {
  const ZoneLock lock(upstream);
  Pool& pool = upstream.pool;
  if (!pool.is_newest(upstream.configuration)) return reloading();
  if (pool.find(name) != kNoEndpoint) {
    return {409, "UpstreamServerExists", "the upstream has this server; PATCH changes it"};
  }
  if (count_added(pool) >= upstream.slots) {
    return {409, "UpstreamFull",
            "all of leastwise_slots are in use: DELETE a server, or set more and reload"};
  }
  const EndpointId id = pool.add(name);
  if (id == kNoEndpoint) {
    return {409, "UpstreamFull", "no room in the upstream's shared memory: enlarge leastwise_zone"};
  }
  // It may have been here before, and be another machine now.
  pool.change(id, {.undone = pool.changed(id)});
  pool.forget(id);
  EndpointSettings settings = settings_in_pool(upstream, server);
  settings.order = static_cast<std::uint32_t>(pool.endpoints());
  pool.configure(id, settings);
  if (sets_remote) pool.change(id, {.fields = Change::kRemoteFlag, .to = server.settings});
  pool.renew_membership();
  // Who took up its list of servers in between may not have known it yet, and have retired it.
  if (pool.find(name) != id) return reloading();
  out = id;
  return {};
}

}  // namespace

Refusal find_server(const Upstream& upstream, std::uint32_t number, EndpointId& out) noexcept {
  const EndpointId id{number};
  if (number < upstream.pool.capacity() && upstream.pool.next(number) == id) {
    out = id;
    return {};
  }
  return {404, "UpstreamServerNotFound",
          "no server of this upstream has that id; GET …/servers lists those that there are"};
}

Refusal change_server(Upstream& upstream, EndpointId id, const Body& body,
                      ngx_log_t& log) noexcept {
  if (Refusal refusal = check_fixed(upstream, id, body)) return refusal;
  upstream.pool.change(id, body.change);
  std::array<char, 160> buffer;
  Text text(buffer);
  render_settings(upstream.pool.settings(id), text);
  tell(upstream, id, text.view(), log);
  return {};
}

Refusal add_server(Upstream& upstream, const Body& body, ngx_pool_t& memory,
                   EndpointId& out) noexcept {
  Server server;
  if (Refusal refusal = check_new(upstream, body, memory, server)) return refusal;
  std::array<char, kMaxEndpointName> name_buffer;
  Text name(name_buffer);
  name << upstream.kind->name << '/' << view(upstream.name) << '/' << view(server.name);
  if (!name.fits()) return {400, "UpstreamConfFormatError", "\"server\": the address is too long"};
  server.settings = body.change.to;
  server.settings.flags |= kAdded | (body.backup.value_or(false) ? kBackup : 0U);
  const bool sets_remote = (body.change.fields & Change::kRemoteFlag) != 0;
  if (Refusal refusal = seat(upstream, name.view(), server, sets_remote, out)) return refusal;
  std::array<char, 200> buffer;
  Text text(buffer);
  text << "added, ";
  render_settings(upstream.pool.settings(out), text);
  tell(upstream, out, text.view(), *memory.log);
  return {};
}

Refusal remove_server(Upstream& upstream, EndpointId id, ngx_log_t& log) noexcept {
  // Another worker may just have removed it, and added one in its place.
  const ZoneLock lock(upstream);
  EndpointId found;
  if (Refusal refusal = find_server(upstream, static_cast<std::uint32_t>(id), found))
    return refusal;
  if ((upstream.pool.configured(id).flags & kAdded) == 0) {
    return {400, "UpstreamStatic",
            "the server is in the configuration: take it out there, or PATCH {\"down\": true}"};
  }
  tell(upstream, id, "removed", log);
  upstream.pool.retire(id);
  upstream.pool.renew_membership();
  return {};
}

Refusal act_on_server(Upstream& upstream, EndpointId id, Action action, const Body& body,
                      ngx_log_t& log) noexcept {
  switch (action) {
    case Action::kEject:
      upstream.pool.eject(id, body.time.value_or(upstream.config.outlier_time), now());
      tell(upstream, id, "left out for a while", log);
      return {};
    case Action::kUneject:
      if (!upstream.pool.bring_back(id)) {
        return {409, "UpstreamServerNotEjected", "the server is not left out: nothing to undo"};
      }
      tell(upstream, id, "left out no more", log);
      return {};
    case Action::kReset:
      upstream.pool.forget(id);
      tell(upstream, id, "what was learned is forgotten", log);
      return {};
  }
  return {404, "PathNotFound", "no such action"};
}

}  // namespace leastwise::nginx
