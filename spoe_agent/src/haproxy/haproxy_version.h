#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_VERSION_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_VERSION_H_

#include <string_view>

namespace leastwise::agent {

struct HaproxyVersion {
  unsigned major = 0, minor = 0;  // 0: not known

  // A log target may have a format of its own.
  bool has_log_profiles() const noexcept { return major > 3 || (major == 3 && minor >= 1); }
};

// The first "3.2" in a text such as `haproxy -v` prints; 0.0 when there is none.
HaproxyVersion parse_haproxy_version(std::string_view text) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_VERSION_H_
