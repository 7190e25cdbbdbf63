#include "http/control.h"

#include <span>

#include "control/answer.h"
#include "control/body.h"
#include "control/elsewhere.h"
#include "control/servers.h"
#include "control/target.h"
#include "http/status.h"
#include "shared/neighbour.h"
#include "shared/page.h"
#include "shared/timer.h"
#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

constexpr ngx_uint_t kReading = NGX_HTTP_GET | NGX_HTTP_HEAD;

const ngx_http_core_loc_conf_t& location_of(const ngx_http_request_t* r) noexcept {
  return *static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_get_module_loc_conf(r, ngx_http_core_module));
}

struct Allowed {
  ngx_uint_t methods;
  std::string_view names;
};
Allowed allowed_at(Level level) noexcept {
  switch (level) {
    case Level::kElsewhere:
      return {NGX_HTTP_PUT, "PUT"};
    case Level::kServers:
      return {kReading | NGX_HTTP_POST, "GET, HEAD, POST"};
    case Level::kServer:
      return {kReading | NGX_HTTP_PATCH | NGX_HTTP_DELETE, "GET, HEAD, PATCH, DELETE"};
    case Level::kAction:
      return {NGX_HTTP_POST, "POST"};
    default:
      return {kReading, "GET, HEAD"};
  }
}

template <typename Render>
ngx_int_t send(ngx_http_request_t* r, ngx_uint_t status, Render render) noexcept {
  ngx_buf_t* b = nullptr;
  const auto allocate = [&](std::size_t size) noexcept -> std::span<char> {
    b = ngx_create_temp_buf(r->pool, size);
    if (b == nullptr) return {};
    return {reinterpret_cast<char*>(b->pos), size};
  };
  const Text text = render_whole(allocate, render);
  if (b == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  b->last = b->pos + text.size();
  b->last_buf = r == r->main;
  b->last_in_chain = 1;
  r->headers_out.status = status;
  r->headers_out.content_length_n = b->last - b->pos;
  r->headers_out.content_type = to_ngx(content_type(StatusFormat::kJson));
  r->headers_out.content_type_len = r->headers_out.content_type.len;
  for (const Header& header : headers_of(StatusFormat::kJson)) {
    if (!header.name.empty() && add_header(r, header.name, header.value) != NGX_OK) {
      return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
  }
  const ngx_int_t rc = ngx_http_send_header(r);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) return rc;
  ngx_chain_t out{b, nullptr};
  return ngx_http_output_filter(r, &out);
}

ngx_int_t send(ngx_http_request_t* r, const Refusal& refusal) noexcept {
  return send(r, refusal.status, [&](Text& out) noexcept { render(refusal, out); });
}

ngx_int_t send_server(ngx_http_request_t* r, const Upstream& upstream, EndpointId id,
                      ngx_uint_t status = NGX_HTTP_OK) noexcept {
  return send(r, status, [&](Text& out) noexcept {
    render_server(upstream.pool, id, upstream.config, now(), out);
    out << '\n';
  });
}

ngx_int_t send_servers(ngx_http_request_t* r, const Upstream& upstream) noexcept {
  return send(r, NGX_HTTP_OK, [&](Text& out) noexcept {
    render_servers(upstream.pool, upstream.config, now(), out);
  });
}

Refusal refuse(TargetError error) noexcept {
  switch (error) {
    case TargetError::kNone:
      return {};
    case TargetError::kVersion:
      return {404, "UnknownVersion",
              "unknown version of the API: expected 9, as in …/9/http/upstreams"};
    case TargetError::kId:
      return {400, "UpstreamServerIdFormatError",
              "the id of a server is a number, as GET …/servers lists it"};
    case TargetError::kPath:
      break;
  }
  return {404, "PathNotFound",
          "no such path: expected …/9/http/upstreams[/NAME[/servers[/ID[/eject|uneject|reset]]]], "
          "or stream for http; …/NAME/elsewhere; or …/9/in_flight"};
}

// A page of another site that a browser shows must not change anything: browsers say where they
// come from, other clients do not.
bool is_cross_site(const ngx_http_request_t* r) noexcept {
  constexpr std::string_view kOrigin = "origin";
  const ngx_list_part_t* part = &r->headers_in.headers.part;
  for (; part != nullptr; part = part->next) {
    const std::span headers(static_cast<const ngx_table_elt_t*>(part->elts), part->nelts);
    for (const ngx_table_elt_t& header : headers) {
      if (header.key.len != kOrigin.size() ||
          std::string_view(reinterpret_cast<const char*>(header.lowcase_key), kOrigin.size()) !=
              kOrigin) {
        continue;
      }
      std::string_view origin = view(header.value);
      const std::size_t slashes = origin.find("://");
      if (slashes == std::string_view::npos || r->headers_in.host == nullptr) return true;
      origin.remove_prefix(slashes + 3);
      if (origin != view(r->headers_in.host->value)) return true;
    }
  }
  return false;
}

struct Asked {
  PathTarget target;
  Upstream* upstream = nullptr;
  EndpointId id = kNoEndpoint;
  std::uint32_t known = 0;  // servers of which was told what others have
};

// What the path names, or why it names nothing.
Refusal find(const ngx_http_request_t* r, Asked& out) noexcept {
  std::string_view path = view(r->uri);
  std::string_view prefix = view(location_of(r).name);
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  path.remove_prefix(std::min(prefix.size(), path.size()));
  if (const TargetError error = parse_target(path, out.target); error != TargetError::kNone) {
    return refuse(error);
  }
  if (out.target.level < Level::kUpstream) return {};
  out.upstream = find_upstream(out.target.kind, out.target.upstream);
  if (out.upstream == nullptr) {
    return {404, "UpstreamNotFound",
            "no upstream of that name has leastwise; GET …/upstreams lists those that have"};
  }
  if (out.target.level < Level::kServer) return {};
  return find_server(*out.upstream, out.target.id, out.id);
}

ngx_int_t send_list(ngx_http_request_t* r, std::string_view json) noexcept {
  return send(r, NGX_HTTP_OK, [&](Text& out) noexcept { out << json; });
}

// Not a name that a path of control can not have, or that is no text in JSON.
bool is_shared(std::string_view name) noexcept {
  auto* at = reinterpret_cast<u_char*>(const_cast<char*>(name.data()));
  const u_char* const end = at + name.size();
  while (at < end) {
    if (*at == '/') return false;
    if (*at < 0x80) {
      ++at;
    } else if (ngx_utf8_decode(&at, static_cast<std::size_t>(end - at)) > 0x10ffff) {
      return false;
    }
  }
  return true;
}

// {"http":{"app":{…},…},"stream":{…}}: what a companion asks for ten times a second.
ngx_int_t send_in_flight(ngx_http_request_t* r) noexcept {
  constexpr std::string_view kKinds[] = {"http", "stream"};
  std::array<std::span<const NamedPool>, std::size(kKinds)> pools;
  for (std::size_t i = 0; i < pools.size(); ++i) pools[i] = pools_of(*r->pool, kKinds[i], {});
  return send(r, NGX_HTTP_OK, [&](Text& out) noexcept {
    for (std::size_t i = 0; i < pools.size(); ++i) {
      out << (i == 0 ? "{\"" : ",\"") << kKinds[i] << "\":{";
      bool first = true;
      for (const NamedPool& pool : pools[i]) {
        if (!is_shared(pool.name)) continue;
        out << (first ? "\"" : ",\n\"");
        first = false;
        out.json(pool.name) << "\":";
        render_in_flight(pool.pool, out);
      }
      out << '}';
    }
    out << "}\n";
  });
}

ngx_int_t show(ngx_http_request_t* r, const Asked& asked) noexcept {
  const PathTarget& target = asked.target;
  switch (target.level) {
    case Level::kRoot:
      return send_list(r, "[9]\n");
    case Level::kVersion:
      return send_list(r, "[\"http\",\"stream\",\"in_flight\"]\n");
    case Level::kInFlight:
      return send_in_flight(r);
    case Level::kKind:
      return send_list(r, "[\"upstreams\"]\n");
    case Level::kUpstreams:
    case Level::kUpstream: {
      const bool all = target.level == Level::kUpstreams;
      return send_page(r, StatusFormat::kJson,
                       make_page(*r->pool, all ? PageFormat::kUpstreams : PageFormat::kUpstream,
                                 pools_of(*r->pool, target.kind, target.upstream)));
    }
    case Level::kServers:
      return send_servers(r, *asked.upstream);
    case Level::kElsewhere:
    case Level::kServer:
    case Level::kAction:
      break;
  }
  return send_server(r, *asked.upstream, asked.id);
}

std::size_t most_body(Level level) noexcept {
  return level == Level::kElsewhere ? kMostElsewhere : kMostBody;
}

// The body as one text, on the request's pool; false when it is longer than `most`.
bool read_text(ngx_http_request_t* r, std::size_t most, std::string_view& out) noexcept {
  const ngx_http_request_body_t* body = r->request_body;
  std::size_t size = 0;
  for (const ngx_chain_t* c = body != nullptr ? body->bufs : nullptr; c != nullptr; c = c->next) {
    size += static_cast<std::size_t>(ngx_buf_size(c->buf));
  }
  if (size > most) return false;
  auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, size + 1));
  if (text == nullptr) return false;
  u_char* end = text;
  for (const ngx_chain_t* c = body != nullptr ? body->bufs : nullptr; c != nullptr; c = c->next) {
    const ngx_buf_t& b = *c->buf;
    const auto n = static_cast<std::size_t>(ngx_buf_size(&b));
    if (b.in_file) {
      const ssize_t got = ngx_read_file(b.file, end, n, b.file_pos);
      if (got < 0 || static_cast<std::size_t>(got) != n) return false;
      end += n;
    } else if (n > 0) {  // of an empty body there is no memory
      end = ngx_cpymem(end, b.pos, n);
    }
  }
  out = {reinterpret_cast<const char*>(text), size};
  return true;
}

Refusal too_large(Level level) noexcept {
  return {413, "EntityTooLarge",
          level == Level::kElsewhere ? "a body has at most 524288 bytes"
                                     : "a body has at most 16384 bytes"};
}

// What other balancers have. Not told in the log: it comes ten times a second.
Refusal take_elsewhere(ngx_http_request_t* r, Upstream& upstream, std::string_view json,
                       std::uint32_t& known) noexcept {
  std::array<char, kMaxEndpointName> name_buffer;
  Text prefix(name_buffer);
  prefix << upstream.kind->name << '/' << view(upstream.name) << '/';
  const std::size_t n = upstream.pool.capacity();
  auto* memory = static_cast<ThereElse*>(ngx_pcalloc(r->pool, n * sizeof(ThereElse)));
  if (memory == nullptr) return {500, "Internal", "out of memory"};
  const std::span servers(memory, n);
  Elsewhere elsewhere;
  std::array<char, 256> buffer;
  Text error(buffer);
  if (!read_elsewhere(upstream.pool, prefix.view(), json, servers, elsewhere, error)) {
    return {400, "BodyFormatError", error.view()};
  }
  tell_elsewhere(upstream.pool, servers, elsewhere, now());
  known = elsewhere.known;
  return {};
}

// Reads the body and does what it says.
Refusal act(ngx_http_request_t* r, Asked& asked) noexcept {
  const PathTarget& target = asked.target;
  ngx_log_t& log = *r->connection->log;
  if (r->method == NGX_HTTP_DELETE) return remove_server(*asked.upstream, asked.id, log);
  std::string_view json;
  if (!read_text(r, most_body(target.level), json)) return too_large(target.level);
  if (target.level == Level::kElsewhere) {
    return take_elsewhere(r, *asked.upstream, json, asked.known);
  }
  const BodyKind kind = target.level == Level::kAction    ? BodyKind::kEject
                        : target.level == Level::kServers ? BodyKind::kAdd
                                                          : BodyKind::kChange;
  Body body;
  std::array<char, 256> buffer;
  Text error(buffer);
  if (!read_body(kind, json, body, error)) return {400, "BodyFormatError", error.view()};
  if (kind == BodyKind::kAdd) return add_server(*asked.upstream, body, *r->pool, asked.id);
  if (target.level == Level::kAction) {
    return act_on_server(*asked.upstream, asked.id, target.action, body, log);
  }
  return change_server(*asked.upstream, asked.id, body, log);
}

ngx_int_t send_done(ngx_http_request_t* r, const Asked& asked) noexcept {
  if (asked.target.level == Level::kElsewhere) {
    return send(r, NGX_HTTP_OK,
                [&](Text& out) noexcept { out << "{\"servers\":" << asked.known << "}\n"; });
  }
  if (r->method == NGX_HTTP_DELETE) return send_servers(r, *asked.upstream);
  const bool is_new = asked.target.level == Level::kServers;
  return send_server(r, *asked.upstream, asked.id, is_new ? NGX_HTTP_CREATED : NGX_HTTP_OK);
}

// The body is there.
void on_body(ngx_http_request_t* r) noexcept {
  Asked asked;
  Refusal refusal = find(r, asked);  // anew: while the body came a server may have gone
  if (!refusal) refusal = act(r, asked);
  ngx_http_finalize_request(r, refusal ? send(r, refusal) : send_done(r, asked));
}

// Why a request is refused before its body is read.
Refusal check(ngx_http_request_t* r, Asked& asked) noexcept {
  if (Refusal refusal = find(r, asked)) return refusal;
  const Allowed allowed = allowed_at(asked.target.level);
  if ((r->method & allowed.methods) == 0) {
    if (add_header(r, "Allow", allowed.names) != NGX_OK) return {500, "Internal", "out of memory"};
    std::array<char, 96> buffer;
    Text text(buffer);
    text << "this path takes " << allowed.names << " only";
    return {405, "MethodNotAllowed", text.view()};
  }
  if ((r->method & kReading) != 0) return {};
  // What others have is shown there, too.
  const Level level = asked.target.level;
  if (asked.upstream != nullptr && asked.upstream->watches && level != Level::kElsewhere) {
    return {
        409, "UpstreamOnlyWatched",
        "another method chooses in this upstream (leastwise_observe on): nothing that is set here "
        "would reach it"};
  }
  if (is_cross_site(r)) {
    return {403, "CrossSite", "changes are not taken from pages of another site (Origin)"};
  }
  if (r != r->main) return {405, "MethodNotAllowed", "a subrequest changes nothing"};
  if (r->headers_in.content_length_n > static_cast<off_t>(most_body(level))) {
    return too_large(level);
  }
  if (is_leaving()) return {503, "Leaving", "this worker is about to end: ask again"};
  return {};
}

ngx_int_t handle(ngx_http_request_t* r) noexcept {
  Asked asked;
  const Refusal refusal = check(r, asked);
  if (!refusal && (r->method & kReading) == 0) {
    r->request_body_in_single_buf = 1;
    r->request_body_file_log_level = 0;  // else a warning ten times a second, of a large one
    const ngx_int_t rc = ngx_http_read_client_request_body(r, on_body);
    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
  }
  if (const ngx_int_t rc = ngx_http_discard_request_body(r); rc != NGX_OK) return rc;
  return refusal ? send(r, refusal) : show(r, asked);
}

}  // namespace

char* set_control(ngx_conf_t* cf, ngx_command_t* command, void*) noexcept {
  auto* core = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  if (core->handler == handle) return const_cast<char*>("is duplicate");
#if (NGX_PCRE)
  const bool is_regex = core->regex != nullptr;
#else
  const bool is_regex = false;
#endif
  if (is_regex || core->exact_match || core->named) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" needs a location that is a prefix of its paths: expected "
                       "\"location /NAME/ { … }\", not \"=\", \"~\" or \"@\"",
                       &command->name);
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  core->handler = handle;
  return NGX_CONF_OK;
}

}  // namespace leastwise::nginx
