#!/usr/bin/env bash
# The agent's package as a service of a real systemd, which is booted in a container above a clean root.
#
#   tests/packages/systemd.sh [bookworm | trixie]
#
# Needs what tests/packages/run.sh needs, its packages in build/packages/RELEASE, and systemd-nspawn
# (Debian: systemd-container).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
cache=${LEASTWISE_MATRIX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leastwise-matrix}
release=${1:-bookworm}
packages=$source_dir/build/packages/$release

die() { printf 'tests/packages/systemd.sh: %s\n' "$*" >&2; exit 2; }

[ "$(id -u)" -eq 0 ] || die "needs root, for containers. Run: sudo $0"
[ -e "$cache/$release/.complete" ] || die "no root of $release in $cache. Run: tests/matrix/run.sh roots $release"
ls "$packages"/leastwise-spoa_*.deb > /dev/null 2>&1 || die "no packages in $packages. Run: tests/packages/run.sh $release"
command -v systemd-nspawn > /dev/null || die "no systemd-nspawn. Run: apt-get install systemd-container"

rm -f "$packages/service.log"
timeout 400 unshare --mount --pid --fork --kill-child --propagation private \
  "$here/enter.sh" "$cache/$release" "$source_dir" "$packages" service boot || failed=$?
cat "$packages/service.log" || tail "$packages/boot.log"
exit "${failed:-0}"
