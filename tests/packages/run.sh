#!/usr/bin/env bash
# Debian packages in clean roots: built by cmake/make_packages.sh, read by lintian, installed, used,
# upgraded, removed and purged.
#
#   tests/packages/run.sh [bookworm] [trixie]
#
# Needs root, a network, and the roots of `tests/matrix/run.sh roots`, on which nothing is changed: each run
# works in a layer of its own above them. The packages are left in build/packages/RELEASE.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
cache=${LEASTWISE_MATRIX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leastwise-matrix}

die() { printf 'tests/packages/run.sh: %s\n' "$*" >&2; exit 2; }
note() { printf '==== %s (%s)\n' "$*" "$(date +%H:%M:%S)"; }

# in_layer RELEASE STEP: in a fresh layer above the root, which is gone afterwards.
in_layer() {
  unshare --mount --pid --fork --kill-child --propagation private \
    "$here/enter.sh" "$cache/$1" "$source_dir" "$source_dir/build/packages/$1" "$2"
}

[ "$(id -u)" -eq 0 ] || die "needs root, for chroot and mounts. Run: sudo $0"
releases=("$@")
[ ${#releases[@]} -gt 0 ] || releases=(bookworm trixie)
for release in "${releases[@]}"; do
  [ -e "$cache/$release/.complete" ] || die "no root of $release in $cache. Run: tests/matrix/run.sh roots $release"
  mkdir -p "$source_dir/build/packages/$release"
  note "$release: build"
  in_layer "$release" build
  note "$release: install, use, upgrade, remove, purge"
  in_layer "$release" use
done
note "passed: ${releases[*]}"
