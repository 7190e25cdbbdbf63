#include "stream/proxy.h"

namespace leastwise::nginx {
namespace {

constexpr ngx_uint_t kNowhere = static_cast<ngx_uint_t>(-1);

// A global: where nginx's own module has its fields is the same in every configuration.
ngx_uint_t responses_at = kNowhere;

ngx_uint_t offset_of(std::string_view name) noexcept {
  const ngx_command_t* command = ngx_stream_proxy_module.commands;
  for (; command != nullptr && command->name.len != 0; ++command) {
    if (view(command->name) == name) return command->offset;
  }
  return kNowhere;
}

}  // namespace

void find_proxy_settings() noexcept { responses_at = offset_of("proxy_responses"); }

Responses proxy_responses(ngx_stream_session_t* s) noexcept {
  void* conf = ngx_stream_get_module_srv_conf(s, ngx_stream_proxy_module);
  if (conf == nullptr || responses_at == kNowhere) return Responses::kUnlimited;
  const void* field = static_cast<const std::byte*>(conf) + responses_at;
  const ngx_uint_t responses = *static_cast<const ngx_uint_t*>(field);
  if (responses == NGX_MAX_INT32_VALUE) return Responses::kUnlimited;
  return responses == 0 ? Responses::kNone : Responses::kSome;
}

}  // namespace leastwise::nginx
