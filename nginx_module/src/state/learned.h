// Learned: what a pool learned, as bytes: a head with a checksum, and the memory of a pool that has
// the same endpoints and no more (Pool::image), in which the agent keeps its pools as well.
//
// Only the build that wrote it can read it; only while the machine runs on, since times in it are
// those of the clock that begins with the machine; and not for ever, since in a day servers become
// others.
#ifndef LEASTWISE_NGINX_MODULE_STATE_LEARNED_H_
#define LEASTWISE_NGINX_MODULE_STATE_LEARNED_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "leastwise/pool.h"
#include "state/moment.h"

namespace leastwise::nginx {

inline constexpr std::size_t kMostLearned = std::size_t{1} << 30;  // bytes

// The pool may be in use. False when memory ran out.
bool write_learned(const Pool& pool, const Moment& at, std::string& out) noexcept;

// Whether it is of any version of ours.
bool is_learned(std::string_view content) noexcept;

// Takes it up, aged by the time since it was written; a server that is not in the pool under its
// name there is passed over. Nothing is taken up when it is damaged or of another build (kCorrupt),
// or too old or of before the machine was started (kOutOfRange). REQUIRES: as Pool::take_learned.
Status read_learned(std::string_view content, const Moment& at, Pool& pool) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STATE_LEARNED_H_
