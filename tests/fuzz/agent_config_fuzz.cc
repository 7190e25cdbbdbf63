// A configuration file is either read or refused with a message that names the line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/file.h"

using namespace leastwise::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  try {
    const AgentConfig config = parse_config("f", text);
    if (config.listen.length == 0 || config.backends.empty()) std::abort();
  } catch (const ConfigError& error) {
    if (!std::string_view(error.what()).starts_with("f:")) std::abort();
  }
  return 0;
}
