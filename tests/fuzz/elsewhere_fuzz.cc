// What control is told that other balancers have is whatever anybody sent who reaches it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "control/elsewhere.h"

using namespace leastwise;

namespace {

constexpr std::size_t kCapacity = 4;

Pool make_pool() {
  struct alignas(64) Line : std::array<std::byte, 64> {};
  static std::vector<Line> memory(Pool::bytes_for(kCapacity) / sizeof(Line) + 1);
  Pool pool;
  if (!Pool::create(std::as_writable_bytes(std::span(memory)), kCapacity, pool).ok()) std::abort();
  for (const char* name : {"http/a/10.0.0.1:80", "http/a/10.0.0.2:80"}) pool.add(name);
  return pool;
}

void check(float figure) {
  constexpr float kMost = 1e6F;
  if (!(figure >= 0 && figure <= kMost)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Pool pool = make_pool();
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  std::array<control::ThereElse, kCapacity> servers;
  control::Elsewhere elsewhere;
  std::array<char, 256> buffer;
  Text error(buffer);
  if (!control::read_elsewhere(pool, "http/a/", text, servers, elsewhere, error)) {
    if (error.size() == 0 || !error.fits()) std::abort();
    return 0;
  }
  if (elsewhere.known > 2 || elsewhere.balancers > control::kMostBalancers) std::abort();
  for (const control::ThereElse& server : servers) {
    check(server.requests);
  }
  control::tell_elsewhere(pool, servers, elsewhere, TimePoint{std::chrono::hours(1)});
  return 0;
}
