// Whatever answers on the path of HAProxy's stats socket.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "haproxy/runtime_api.h"

using namespace leastwise::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  std::vector<BackendInfo> backends;
  if (!parse_runtime_reply(text, backends)) return 0;
  for (const BackendInfo& backend : backends) {
    bool in_backups = false;
    for (const ServerInfo& server : backend.servers) {
      if (in_backups && !server.backup) std::abort();
      in_backups = server.backup;
      if (server.settings.weight < 1 || server.settings.weight > 256) std::abort();
    }
  }
  return 0;
}
