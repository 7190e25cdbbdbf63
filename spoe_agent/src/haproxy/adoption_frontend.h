// What a frontend needs so that the agent hears how each request ended: a log line of ours, beside
// the user's own, which stays.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_FRONTEND_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_FRONTEND_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "haproxy/haproxy_file.h"
#include "haproxy/haproxy_version.h"

namespace leastwise::agent {

// `global`: the lines of that section. `feedback`: IP:PORT where the agent listens.
std::vector<std::string> frontend_lines(const HaproxySection& frontend,
                                        std::span<const HaproxyLine> global, HaproxyVersion version,
                                        std::string_view feedback);

// Whether the line of ours has a format of its own.
bool uses_log_profile(const HaproxySection& frontend, HaproxyVersion version) noexcept;

// Sections for `log-profile`, where there are such.
std::string log_profiles(HaproxyVersion version, bool has_http, bool has_tcp);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_FRONTEND_H_
