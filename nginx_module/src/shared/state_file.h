// StateFile: `leastwise_state FILE;`, where an upstream keeps over a restart what operators
// changed, and in FILE.learned what was learned.
//
// The master reads it, when there is no running pool to go on from, before any worker exists. One
// worker writes it (keeper.h).
#ifndef LEASTWISE_NGINX_MODULE_SHARED_STATE_FILE_H_
#define LEASTWISE_NGINX_MODULE_SHARED_STATE_FILE_H_

#include <string_view>

#include "shared/ngx.h"

namespace leastwise::nginx {

struct Upstream;

// Where a directive stood, for errors that show only after the whole block was read.
struct Place {
  ngx_str_t file;
  ngx_uint_t line;
};

struct StateFile {
  ngx_str_t name{};    // its one true path, null-terminated; empty: nothing is kept
  ngx_str_t prefix{};  // of the names of the upstream's endpoints
  Place place{};
  const ngx_core_conf_t* core = nullptr;  // who the workers will be

  bool is_on() const noexcept { return name.len != 0; }
  const char* path() const noexcept { return reinterpret_cast<const char*>(name.data); }
};

// Sets leastwise_state. The folder has to exist.
char* set_state(ngx_conf_t* cf, Upstream& upstream) noexcept;

// After the whole block was read: false, with an error logged, when another upstream has that file.
bool check_state(ngx_conf_t* cf, Upstream& upstream) noexcept;

// After the whole configuration was read: false, with an error logged, when the workers' user can
// not write there.
bool check_folder(const StateFile& state, ngx_log_t& log) noexcept;

// Into a pool that no process uses yet. What can not be read is told, and the upstream starts as it
// is configured.
void load_state(Upstream& upstream, ngx_log_t& log) noexcept;
// After that, when the pool knows its servers; nothing unless it is new and has learned nothing.
void load_learned(Upstream& upstream, ngx_log_t& log) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_STATE_FILE_H_
