// Makes so many picks and finishes and ends: for counting instructions, see pick_cost.sh.
//   pick_cost POLICY ENDPOINTS PICKS
#include <cstdio>

#include "bench/core/traffic.h"

int main(int argc, char** argv) {
  using namespace leastwise::bench;
  if (argc != 4) {
    std::fputs("usage: pick_cost POLICY ENDPOINTS PICKS\n", stderr);
    return 2;
  }
  SharedPool pool(std::strtoul(argv[2], nullptr, 10));
  Traffic traffic(pool, argv[1], 0);
  traffic.warm_up();
  leastwise::MemberIndex last = 0;
  for (long i = std::strtol(argv[3], nullptr, 10); i > 0; --i) last = traffic.step();
  std::printf("%u\n", last);
}
