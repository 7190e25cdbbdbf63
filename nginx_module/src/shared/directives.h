// Directives: nginx's commands, made from the core's table of directives, and their setters as
// far as they are the same in http and stream.
//
//   upstream{}  leastwise [POLICY];      the core's `policy`
//               leastwise_NAME VALUE;    the core's other directives
//               leastwise_zone NAME SIZE;
#ifndef LEASTWISE_NGINX_MODULE_SHARED_DIRECTIVES_H_
#define LEASTWISE_NGINX_MODULE_SHARED_DIRECTIVES_H_

#include <array>

#include "leastwise/config.h"
#include "shared/ngx.h"
#include "shared/upstream.h"

namespace leastwise::nginx {

using Setter = char* (*)(ngx_conf_t* cf, ngx_command_t* command, void* conf);

// A table of commands that ends with nginx's null command.
class Commands {
 public:
  // One for each of the core's directives, which setters find in `post`.
  void add_directives(ngx_uint_t context, Setter setter, ngx_uint_t offset) noexcept;
  void add(std::string_view name, ngx_uint_t type, Setter setter, ngx_uint_t offset) noexcept;
  ngx_command_t* data() noexcept { return table_.data(); }

 private:
  static constexpr std::size_t kMost = 32;
  std::size_t size_ = 0;
  std::array<std::array<u_char, 48>, kMost> names_{};  // live as long as the module is loaded
  std::array<ngx_command_t, kMost> table_{};
};

inline const Directive& directive_of(const ngx_command_t& command) noexcept {
  return *static_cast<const Directive*>(command.post);
}
inline const ngx_str_t* words_of(const ngx_conf_t* cf) noexcept {
  return static_cast<const ngx_str_t*>(cf->args->elts);
}

// Sets one of the core's directives: its table says what each one means.
char* set_value(ngx_conf_t* cf, const Directive& directive, Upstream& upstream) noexcept;

// Notes that leastwise_slots or leastwise_state stands in the block; false when it does twice.
bool note_slots(const ngx_conf_t* cf, Upstream& upstream) noexcept;
bool note_state(const ngx_conf_t* cf, Upstream& upstream) noexcept;

// Where the directive that is being read stands.
Place here(const ngx_conf_t* cf) noexcept;

// Sets leastwise_zone, whose name must not be that of `other`, the upstream that has one of this
// name already; nullptr if none has.
char* set_zone(ngx_conf_t* cf, Upstream& upstream, const Upstream* other) noexcept;

// Logs an error and returns false when directives stand in a block that does not use leastwise:
// they would do nothing, silently. Warns when another method has taken the place of ours.
bool is_used(ngx_conf_t* cf, const Upstream& upstream, const ngx_str_t& name) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_DIRECTIVES_H_
