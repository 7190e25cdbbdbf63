#!/usr/bin/env bash
# Instructions of a pick and its finish, by callgrind, which counts only inside of the two: the
# difference of two runs, so that the warm-up is not in it.
#   pick_cost.sh PICK_COST [POLICY [ENDPOINTS…]]
set -euo pipefail

program=$1 policy=${2:-adaptive}
endpoints=("${@:3}")
[ ${#endpoints[@]} -gt 0 ] || endpoints=(2 8 16 64 1000 10000)
few=1000 many=11000

count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    --toggle-collect='leastwise::Picker::pick(*' --toggle-collect='leastwise::Picker::finish(*' \
    "$program" "$policy" "$1" "$2" 2>&1 |
    sed -n 's/.*Collected : //p'
}

for n in "${endpoints[@]}"; do
  echo "$policy $n: $((($(count "$n" "$many") - $(count "$n" "$few")) / (many - few)))"
done
