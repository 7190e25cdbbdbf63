#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_VERSION_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_VERSION_H_

#include <string_view>

namespace leastwise::agent {

struct HaproxyVersion {
  unsigned major = 0, minor = 0;  // 0: not known

  bool is_since(unsigned wanted_major, unsigned wanted_minor) const noexcept {
    return major > wanted_major || (major == wanted_major && minor >= wanted_minor);
  }
  // A log target may have a format of its own.
  bool has_log_profiles() const noexcept { return is_since(3, 1); }
  // The backend of an SPOE agent has a mode of its own. With "mode tcp" it is given that silently.
  bool has_mode_spop() const noexcept { return is_since(3, 1); }
};

// The first "3.2" in a text such as `haproxy -v` prints; 0.0 when there is none.
HaproxyVersion parse_haproxy_version(std::string_view text) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_VERSION_H_
