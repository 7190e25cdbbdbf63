#include "shared/state_file.h"

#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>

#include "shared/directives.h"
#include "shared/neighbour.h"
#include "shared/slots.h"
#include "shared/upstream.h"
#include "state/changes.h"
#include "state/file.h"
#include "state/learned.h"
#include "state/writer.h"

namespace leastwise::nginx {
namespace {

// Null-terminated; empty when memory ran out.
ngx_str_t join(ngx_pool_t& memory, std::string_view a, std::string_view b,
               std::string_view c = {}) noexcept {
  const ngx_str_t parts[] = {to_ngx(a), to_ngx(b), to_ngx(c)};
  const std::size_t size = a.size() + b.size() + c.size();
  auto* text = static_cast<u_char*>(ngx_pnalloc(&memory, size + 1));
  if (text == nullptr) return {0, nullptr};
  ngx_sprintf(text, "%V%V%V%Z", &parts[0], &parts[1], &parts[2]);
  return {size, text};
}

// While it lives this process may do what the workers will, once they have given up root.
class AsWorker {
 public:
  explicit AsWorker(const ngx_core_conf_t& core) noexcept {
    const bool gives_up = geteuid() == 0 && core.master != 0 && core.user != ngx_uid_t(-1);
    if (!gives_up || (n_ = getgroups(kMost, groups_.data())) < 0) return;
    group_ = getegid();
    is_other_ = true;
    initgroups(core.username, core.group);
    if (setegid(core.group) != 0 || seteuid(core.user) != 0) give_back();
  }
  ~AsWorker() {
    if (is_other_) give_back();
  }
  AsWorker(const AsWorker&) = delete;
  AsWorker& operator=(const AsWorker&) = delete;

 private:
  void give_back() noexcept {
    is_other_ = false;
    const bool is_root = seteuid(0) == 0 && setegid(group_) == 0 &&
                         setgroups(static_cast<std::size_t>(n_), groups_.data()) == 0;
    if (!is_root) std::abort();  // not a process that anybody should go on with
  }

  static constexpr int kMost = 256;
  std::array<gid_t, kMost> groups_{};
  int n_ = 0;
  gid_t group_ = 0;
  bool is_other_ = false;
};

std::string_view folder_of(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : std::string_view(path.data(), slash);
}

// An address that nobody can read would be a server that nobody can use.
void retire_unreadable(Upstream& upstream, ngx_log_t& log) noexcept {
  ngx_pool_t* memory = ngx_create_pool(ngx_pagesize, &log);
  if (memory == nullptr) return;
  upstream.pool.for_each([&](EndpointId id) noexcept {
    if ((upstream.pool.configured(id).flags & kAdded) == 0) return;
    std::string_view address = upstream.pool.endpoint_name(id);
    address.remove_prefix(std::min(address.size(), upstream.state.prefix.len));
    Server server;
    if (read_address(address, *memory, server)) return;
    const ngx_str_t text = to_ngx(address);
    ngx_log_error(NGX_LOG_WARN, &log, 0,
                  "\"leastwise_state\": \"%V\" names a server \"%V\", which is no address with a "
                  "port: left out",
                  &upstream.state.name, &text);
    upstream.pool.retire(id);
  });
  ngx_destroy_pool(memory);
}

bool check_name(ngx_conf_t* cf, const Upstream& upstream, const ngx_str_t& name) noexcept {
  if (name.len == 0 || name.data[name.len - 1] == '/') {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": expected a file, such as /var/lib/nginx/%V.json", &words_of(cf)[0],
                       &upstream.name);
    return false;
  }
  for (const std::string_view own : {".learned", ".lock", ".new", ".kept"}) {
    if (!view(name).ends_with(own)) continue;
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": \"%V\": expected another ending: .learned, .lock, .new and .kept "
                       "are those of files beside it",
                       &words_of(cf)[0], &name);
    return false;
  }
  return true;
}

}  // namespace

char* set_state(ngx_conf_t* cf, Upstream& upstream) noexcept {
  if (!note_state(cf, upstream)) return conf_duplicate();
  ngx_str_t name = words_of(cf)[1];
  if (!check_name(cf, upstream, name)) return conf_error();
  if (ngx_conf_full_name(cf->cycle, &name, 0) != NGX_OK) return conf_error();
  const std::string_view full = view(name);
  const ngx_str_t folder = join(*cf->pool, folder_of(full), {});
  if (folder.data == nullptr) return conf_error();
  std::array<char, PATH_MAX> real{};
  if (realpath(reinterpret_cast<char*>(folder.data), real.data()) == nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                       "\"%V\": folder \"%V\" can not be used: make one that the workers' user "
                       "may write to",
                       &words_of(cf)[0], &folder);
    return conf_error();
  }
  std::string_view base = full;
  base.remove_prefix(full.rfind('/') + 1);
  const std::string_view in = real.data();
  upstream.state.name = join(*cf->pool, in, in == "/" ? "" : "/", base);
  upstream.state.place = here(cf);
  upstream.state.core =
      reinterpret_cast<const ngx_core_conf_t*>(ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module));
  return upstream.state.name.data != nullptr ? NGX_CONF_OK : conf_error();
}

bool check_state(ngx_conf_t* cf, Upstream& upstream) noexcept {
  StateFile& state = upstream.state;
  if (!state.is_on()) return true;
  if (const Upstream* other = find_by_state(*cf->cycle, view(state.name)); other != nullptr) {
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"leastwise_state\": \"%V\" is the file of upstream \"%V\" in %V:%ui: expected "
                  "another one for upstream \"%V\" in %V:%ui",
                  &state.name, &other->name, &other->state.place.file, other->state.place.line,
                  &upstream.name, &state.place.file, state.place.line);
    return false;
  }
  const ngx_str_t kind = join(*cf->pool, upstream.kind->name, "/");
  state.prefix = join(*cf->pool, view(kind), view(upstream.name), "/");
  return kind.data != nullptr && state.prefix.data != nullptr;
}

bool check_folder(const StateFile& state, ngx_log_t& log) noexcept {
  if (!state.is_on()) return true;
  const std::string_view name = folder_of(view(state.name));
  std::array<char, PATH_MAX> folder{};
  int error = name.size() < folder.size() ? 0 : ENAMETOOLONG;
  if (error == 0) {
    std::ranges::copy(name, folder.begin());
    const AsWorker worker(*state.core);
    if (faccessat(AT_FDCWD, folder.data(), W_OK | X_OK, AT_EACCESS) != 0) error = errno;
  }
  if (error == 0) return true;
  const bool has_user =
      geteuid() == 0 && state.core->master != 0 && state.core->username != nullptr;
  ngx_log_error(NGX_LOG_EMERG, &log, error,
                "\"leastwise_state\": folder \"%s\" can not be written to by user \"%s\", who the "
                "workers are: give it to that user, or name a file in another folder in %V:%ui",
                folder.data(), has_user ? state.core->username : "of this process",
                &state.place.file, state.place.line);
  return false;
}

void load_state(Upstream& upstream, ngx_log_t& log) noexcept {
  const StateFile& state = upstream.state;
  if (!state.is_on()) return;
  std::string text;
  const int error = read_file(state.path(), kMostState, text);
  if (error == ENOENT || (error == 0 && text.empty())) return;
  Status status(Status::Code::kCorrupt, "it can not be read");
  Added added{.most = slots_of(upstream), .names = {}};
  if (error == 0) {
    status = read_changes(text, view(state.prefix), this_moment(), added, upstream.pool);
  }
  if (status.code() == Status::Code::kCorrupt) {
    ngx_log_error(
        NGX_LOG_WARN, &log, error,
        "\"leastwise_state\": \"%V\": %s: upstream \"%V\" starts as it is configured, and "
        "the file will be kept as \"%V.kept\"; make the changes again that are missing",
        &state.name, status.message(), &upstream.shown_name, &state.name);
  } else if (!status.ok()) {
    ngx_log_error(NGX_LOG_WARN, &log, 0,
                  "\"leastwise_state\": \"%V\": %s: make the zone of upstream \"%V\" larger with "
                  "\"leastwise_zone\", or \"leastwise_slots\"",
                  &state.name, status.message(), &upstream.shown_name);
  }
  if (added.left_out != 0) {
    tell_left_out(upstream, added.left_out, added.names, log);
  }
  retire_unreadable(upstream, log);
}

void load_learned(Upstream& upstream, ngx_log_t& log) noexcept {
  const StateFile& state = upstream.state;
  const bool is_new = upstream.configuration == 1 && upstream.pool.samples() == 0;
  if (!state.is_on() || !is_new) return;
  std::string content;
  const int error = read_learned_file(state.path(), content);
  if (error == ENOENT || (error == 0 && content.empty())) return;
  Status status(Status::Code::kCorrupt, "it can not be read");
  if (error == 0) status = read_learned(content, this_moment(), upstream.pool);
  if (status.ok()) return;
  const bool is_old = status.code() == Status::Code::kOutOfRange;
  const ngx_uint_t level = is_old ? NGX_LOG_NOTICE : NGX_LOG_WARN;
  ngx_log_error(level, &log, error,
                "\"leastwise_state\": \"%V.learned\": %s: upstream \"%V\" learns anew, which takes "
                "seconds; there is nothing to do",
                &state.name, status.message(), &upstream.shown_name);
}

}  // namespace leastwise::nginx
