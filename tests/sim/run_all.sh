#!/usr/bin/env bash
# The full simulation suite: theory, all gates, 192 random scenarios with the limits of the
# adaptive policy and the other policies beside it. A few minutes on one core.
#   tests/sim/run_all.sh BUILD_DIR [FIRST_SEED]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sim=${1:?the build directory}/tests/sim/leastwise-sim
first_seed=${2:-20000}
status=0

"$sim" check || status=1
"$sim" gates "$here/gates.json" || status=1
"$sim" gates "$here/policies.json" || status=1
"$sim" random --scenarios 192 --first-seed "$first_seed" \
  --policies adaptive,least_conn,plain_two_choices,nginx_least_time,peak_ewma_full,c3,oracle_lwl \
  --limit adaptive --at-most 0.90,0.90,0.89 --worst-mean 1.08 --worst-p99 1.25 || status=1
exit "$status"
