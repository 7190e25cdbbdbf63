// The token by which whoever changes something shows that he may.
#ifndef LEASTWISE_SPOE_AGENT_CONFIG_TOKEN_H_
#define LEASTWISE_SPOE_AGENT_CONFIG_TOKEN_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace leastwise::agent {

inline constexpr std::size_t kLeastToken = 16, kMostToken = 256;  // characters

// The one line of that file. Throws std::runtime_error that names the file when it can not be read,
// when others than its owner and group may read it, and when it holds no token.
std::string read_token(const std::string& path);

// Takes as long whatever `given` begins with. False for an empty token.
bool is_token(std::string_view given, std::string_view token) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_CONFIG_TOKEN_H_
