// What more a backend of model servers (`policy inference`) needs in a haproxy.cfg: the body of its
// requests is waited for and digested, and the agent is told when the answer begins.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_MODELS_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_MODELS_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/file.h"
#include "haproxy/haproxy_file.h"

namespace leastwise::agent {

// Of a prompt HAProxy sees as much as its buffer holds: 16 KiB unless it is told to take more.
inline constexpr std::size_t kBufferForPrompts = 131072;

// Whether the agent has that backend with `policy inference`.
bool is_of_models(const AgentConfig* agent, std::string_view backend) noexcept;

// tune.bufsize of the section `global`; 0 when it is not there.
std::size_t buffer_size(std::span<const HaproxyLine> global) noexcept;

// Lengths of a prompt's beginnings that are digested where HAProxy sees that much.
std::size_t prompt_points(std::size_t buffer) noexcept;

// Lines that the backend does not have yet; those of an answer come last.
std::vector<std::string> model_lines(const HaproxySection& backend, std::string_view engine);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_MODELS_H_
