// Whatever answers on the path of HAProxy's stats socket.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "haproxy/runtime_api.h"

using namespace leastwise::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  // The first answer ends, and the second begins, at the comma-separated head.
  const std::size_t middle = std::min(text.find("# pxname"), text.size());
  std::vector<BackendInfo> backends;
  ProcessInfo process;
  std::string_view whole = text;
  if (parse_process(whole, process) && process.pid == 0) std::abort();
  if (!parse_states(text.substr(0, middle), 1, backends)) return 0;
  if (!parse_figures(text.substr(middle), backends)) return 0;
  for (const BackendInfo& backend : backends) {
    bool in_backups = false;
    for (const ServerInfo& server : backend.servers) {
      if (in_backups && !server.backup) std::abort();
      in_backups = server.backup;
      if (server.settings.weight < 1 || server.settings.weight > 256 * 16) std::abort();
    }
  }
  return 0;
}
