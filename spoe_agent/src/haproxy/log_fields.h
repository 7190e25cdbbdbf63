// The log line that the agent learns from, beside the line that the user has already.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_LOG_FIELDS_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_LOG_FIELDS_H_

#include <string>
#include <string_view>

#include "haproxy/haproxy_file.h"

namespace leastwise::agent {

// Our fields, as feedback_line.h reads them: "leastwise id=… s=…".
std::string_view log_fields(bool is_http) noexcept;

// The user's own format; nullptr when one of HAProxy's is used.
const HaproxyLine* own_log_format(const HaproxySection& frontend) noexcept;

struct LogFormat {
  std::string line;       // log-format "…"; empty: it has our fields
  std::string_view note;  // what can not be done, or empty
};

// What the frontend logs today, with our fields behind it: its own format, within the braces where
// that is JSON, or those of `option httplog`, `httpslog`, `tcplog`, `httplog clf`, or HAProxy's
// own.
LogFormat with_log_fields(const HaproxySection& frontend);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_LOG_FIELDS_H_
