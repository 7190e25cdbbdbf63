#include "shared/slots.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>
#include <new>

#include "leastwise/text.h"
#include "shared/directives.h"
#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

using EndpointSet = std::bitset<kMaxEndpoints>;

constexpr ngx_int_t kMostSlots = 4096;
constexpr std::size_t kMostTold = 1200;  // bytes of names; nginx has 2,048 for a line

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

// ADDR:PORT of "http/app/ADDR:PORT"; empty when it is no such name.
std::string_view address_in(const Upstream& upstream, std::string_view name) noexcept {
  const std::size_t before = upstream.kind->name.size() + upstream.name.len + 2;
  name.remove_prefix(std::min(before, name.size()));
  return name;
}

// Puts the configured servers into the pool, as far as it has room. Returns where they are.
EndpointSet seat_configured(const Upstream& upstream, ngx_log_t& log) noexcept {
  EndpointSet seats;
  ngx_pool_t* memory = ngx_create_pool(ngx_pagesize, &log);
  if (memory == nullptr) return seats;
  const std::size_t n = upstream.kind->list(upstream, {});
  void* of_servers = ngx_palloc(memory, n * sizeof(Server) + 1);
  void* of_members = ngx_palloc(memory, n * sizeof(Member) + 1);
  if (of_servers != nullptr && of_members != nullptr) {
    const std::span servers(new (of_servers) Server[n], n);
    const std::span members(new (of_members) Member[n], n);
    upstream.kind->list(upstream, servers);
    for (const Member& m : members.first(join_pool(upstream, servers, members))) {
      seats.set(index(m.id));
    }
  }
  ngx_destroy_pool(memory);
  return seats;
}

bool has_added(const Pool& pool) noexcept {
  bool found = false;
  pool.for_each(
      [&](EndpointId id) noexcept { found |= (pool.configured(id).flags & kAdded) != 0; });
  return found;
}

// Calls visit(id, n) for the n-th of those in `from` that were added and are not configured.
template <typename Visit>
void for_each_added(const Upstream& upstream, const Pool& from, const EndpointSet& seats,
                    Visit visit) noexcept {
  std::size_t n = 0;
  from.for_each([&](EndpointId id) noexcept {
    if ((from.configured(id).flags & kAdded) == 0) return;
    const EndpointId here = upstream.pool.find(from.endpoint_name(id));
    if (here == kNoEndpoint || !seats[index(here)]) visit(id, n++);
  });
}

}  // namespace

std::size_t slots_of(const Upstream& upstream) noexcept {
  // Of who only watches, the method that chooses knows of none.
  return upstream.watches ? 0 : upstream.slots;
}

void seat_servers(Upstream& upstream, const Pool& from, ngx_log_t& log) noexcept {
  if (upstream.changes) return;  // which servers it has is not known yet
  const EndpointSet seats = seat_configured(upstream, log);
  for_each_added(upstream, from, seats, [&](EndpointId id, std::size_t n) noexcept {
    if (n < slots_of(upstream)) upstream.pool.add(from.endpoint_name(id));
  });
}

void leave_out_surplus(Upstream& upstream, const Pool& from, ngx_log_t& log) noexcept {
  std::array<char, kMostTold> buffer;
  Text names(buffer);
  std::size_t left_out = 0;
  if (!has_added(from)) return;
  const EndpointSet seats = seat_configured(upstream, log);
  for_each_added(upstream, from, seats, [&](EndpointId id, std::size_t n) noexcept {
    if (n < slots_of(upstream)) return;
    const std::string_view name = from.endpoint_name(id);
    names << (left_out++ == 0 ? "" : ", ") << address_in(upstream, name);
    upstream.pool.retire(upstream.pool.find(name));
  });
  if (left_out != 0) tell_left_out(upstream, left_out, names.view(), log);
}

void tell_left_out(const Upstream& upstream, std::size_t n, std::string_view names,
                   ngx_log_t& log) noexcept {
  const ngx_str_t text = to_ngx({names.data(), std::min(names.size(), kMostTold)});
  ngx_log_error(
      NGX_LOG_WARN, &log, 0,
      "\"leastwise_slots\": upstream \"%V\" has room for %uz servers that are added at run "
      "time: %uz that were are left out; to have them back, set it to more, reload, and "
      "add them again: %V",
      &upstream.shown_name, slots_of(upstream), n, &text);
}

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
  out = out.first(std::min(out.size(), slots_of(upstream)));
  if (out.empty()) return 0;
  upstream.pool.for_each([&](EndpointId id) noexcept {
    const EndpointSettings settings = upstream.pool.configured(id);
    if ((settings.flags & kAdded) == 0 || n == out.size()) return;
    Server server;
    server.settings = settings;
    server.id = id;
    const std::string_view address = address_in(upstream, upstream.pool.endpoint_name(id));
    if (address.empty() || !read_address(address, memory, server)) return;
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
