// Changes: what operators did to the servers of an upstream at run time, as JSON, a server a line:
//
//   {"leastwise_state": 1, "servers": [
//   {"server": "10.0.0.1:80", "configured": {"weight": 1, …}, "changed": {"weight": 3}},
//   {"server": "10.0.0.7:80", "added": true, "configured": {…}, "ejected_until": 1764403200}
//   ]}
//
// Only servers of which there is something to say. `configured` is what the configuration said, or
// who added the server: by it a new configuration is told from one that says nothing new
// (core/src/memory/changes.cc). Keys that are not known are passed over, so that an older version
// can read what a newer one wrote.
#ifndef LEASTWISE_NGINX_MODULE_STATE_CHANGES_H_
#define LEASTWISE_NGINX_MODULE_STATE_CHANGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "leastwise/pool.h"
#include "state/moment.h"

namespace leastwise::nginx {

inline constexpr std::size_t kMostState = std::size_t{64} << 20;  // bytes of such a file

// Of the endpoints whose names begin with `prefix`, "http/app/". False when memory ran out.
bool write_changes(const Pool& pool, std::string_view prefix, const Moment& at,
                   std::string& out) noexcept;

// Whether read_changes() could read it.
bool is_state(std::string_view text) noexcept;

// Servers that were added, and are not in the pool without that.
struct Added {
  std::size_t most = SIZE_MAX;  // that are taken up
  std::size_t left_out = 0;     // the others,
  std::string names;            // with commas between
};

// Does to the pool what the text says. Nothing is done unless all of it can be read: then the error
// says what is wrong. kNoMemory: the pool has no room for all of its servers; those that were added
// come first. REQUIRES: no process uses the pool yet.
Status read_changes(std::string_view text, std::string_view prefix, const Moment& at, Added& added,
                    Pool& pool) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STATE_CHANGES_H_
