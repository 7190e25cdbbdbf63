#include "haproxy/request_id.h"

#include <sys/random.h>
#include <xxhash.h>

#include <ctime>

namespace leastwise::agent {
namespace {

std::uint64_t random_seed() noexcept {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != ssize_t{sizeof seed}) {
    seed = static_cast<std::uint64_t>(time(nullptr));
  }
  return seed;
}

const std::uint64_t seed = random_seed();

}  // namespace

RequestId request_id(std::string_view id) noexcept {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(id.data(), id.size(), seed);
  return {hash.low64, hash.high64};
}

std::uint64_t text_hash(std::string_view text) noexcept {
  return text.empty() ? 0 : XXH3_64bits(text.data(), text.size()) | 1U;
}

}  // namespace leastwise::agent
