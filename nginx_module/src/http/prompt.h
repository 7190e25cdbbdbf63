// Prompt: of a request to a model server, found in its body as nginx reads it, and what its answer
// says of it. In locations with `leastwise_body openai` or `raw`; all others cost one comparison.
//
//   request's body   a filter reads it before nginx keeps it, in memory or in a file
//   peer.init        Attempt::prompt, of what has come by then
//   answer's header  begin_listening()
//   answer's body    a filter: the first token, and the usage at the end
//
// What is kept are digests and counts. The bytes are neither changed nor held back.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_PROMPT_H_
#define LEASTWISE_NGINX_MODULE_HTTP_PROMPT_H_

#include "http/attempt.h"
#include "http/ngx.h"
#include "leastwise/prompt.h"

namespace leastwise::nginx {

// Puts the filters of both bodies into nginx's chains.
void add_body_filters() noexcept;

// On the request's pool; nullptr where none is looked for, there is none, or memory ran out.
const Prompt* prompt_of(ngx_http_request_t* r) noexcept;

// Its answer is an event stream of a model server's: it begins with its first token, not with its
// header.
bool awaits_token(const Attempt& attempt) noexcept;

// The header of the answer to the attempt's last try is there.
void begin_listening(Attempt& attempt) noexcept;

// Setter of `leastwise_body openai | raw | off`.
char* set_body(ngx_conf_t* cf, ngx_command_t* command, void* location_conf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_PROMPT_H_
