#include "shared/slots.h"

#include <algorithm>
#include <cstring>

#include "shared/directives.h"
#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

constexpr ngx_int_t kMostSlots = 4096;

bool is_plain(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) noexcept { return c > ' ' && c < '\x7f'; });
}

// As nginx writes it: one address has one name.
bool name_it(ngx_pool_t& memory, Server& out) noexcept {
  auto* name = static_cast<u_char*>(ngx_pnalloc(&memory, NGX_SOCKADDR_STRLEN));
  if (name == nullptr) return false;
  out.name = {ngx_sock_ntop(out.address, out.address_size, name, NGX_SOCKADDR_STRLEN, 1), name};
  return true;
}

bool read_unix(std::string_view path, ngx_pool_t& memory, Server& out) noexcept {
#if (NGX_HAVE_UNIX_DOMAIN)
  auto* address = static_cast<sockaddr_un*>(ngx_pcalloc(&memory, sizeof(sockaddr_un)));
  if (address == nullptr || !path.starts_with('/')) return false;
  if (path.size() >= sizeof(address->sun_path)) return false;
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, path.data(), path.size());
  out.address = reinterpret_cast<sockaddr*>(address);
  out.address_size = sizeof(sockaddr_un);
  return name_it(memory, out);
#else
  return false;
#endif
}

}  // namespace

bool read_address(std::string_view text, ngx_pool_t& memory, Server& out) noexcept {
  constexpr std::string_view kUnix = "unix:";
  if (!is_plain(text)) return false;
  if (text.starts_with(kUnix)) return read_unix(text.substr(kUnix.size()), memory, out);
  ngx_addr_t address{};
  const ngx_str_t word = to_ngx(text);
  if (ngx_parse_addr_port(&memory, &address, word.data, word.len) != NGX_OK) return false;
  if (ngx_inet_get_port(address.sockaddr) == 0) return false;
  out.address = address.sockaddr;
  out.address_size = address.socklen;
  return name_it(memory, out);
}

std::size_t list_added(const Upstream& upstream, ngx_pool_t& memory,
                       std::span<Server> out) noexcept {
  std::size_t n = 0;
  // Of who only watches, the method that chooses knows of none.
  if (out.empty() || upstream.watches) return 0;
  upstream.pool.for_each([&](EndpointId id) noexcept {
    const EndpointSettings settings = upstream.pool.configured(id);
    if ((settings.flags & kAdded) == 0 || n == out.size()) return;
    Server server;
    server.settings = settings;
    server.id = id;
    const std::string_view name = upstream.pool.endpoint_name(id);
    const std::size_t before = upstream.kind->name.size() + upstream.name.len + 2;
    if (name.size() <= before || !read_address(name.substr(before), memory, server)) return;
    upstream.kind->use_spare(upstream.spares, n, server);
    out[n++] = server;
  });
  return n;
}

sockaddr* copy_address(const Server& server, ngx_pool_t& memory) noexcept {
  void* copy = ngx_palloc(&memory, server.address_size);
  if (copy != nullptr) std::memcpy(copy, server.address, server.address_size);
  return static_cast<sockaddr*>(copy);
}

char* set_slots(ngx_conf_t* cf, Upstream& upstream) noexcept {
  if (!note_slots(cf, upstream)) return conf_duplicate();
  const ngx_str_t* words = words_of(cf);
  const ngx_int_t n = ngx_atoi(words[1].data, words[1].len);
  if (n < 1 || n > kMostSlots) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid value \"%V\": expected a number of servers from 1 to %i",
                       &words[0], &words[1], kMostSlots);
    return conf_error();
  }
  upstream.slots = static_cast<std::uint32_t>(n);
  return NGX_CONF_OK;
}

}  // namespace leastwise::nginx
