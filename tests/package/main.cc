// A user of the installed library, with nothing but its package.
#include <leastwise/picker.h>

#include <memory>
#include <vector>

int main() {
  std::vector<std::byte> memory(leastwise::Pool::bytes_for(4) + 64);
  void* at = memory.data();
  std::size_t space = memory.size();
  auto* aligned = static_cast<std::byte*>(std::align(64, leastwise::Pool::bytes_for(4), at, space));
  leastwise::Pool pool;
  if (!leastwise::Pool::create({aligned, space}, 4, pool).ok()) return 1;
  return pool.add("a") != leastwise::kNoEndpoint && leastwise::find_policy("adaptive") != nullptr
             ? 0
             : 1;
}
