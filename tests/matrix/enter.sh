#!/usr/bin/env bash
# One step of tests/matrix/run.sh in one root, in namespaces that run.sh has made.
#
#   enter.sh ROOT SOURCE_DIR STEP [ARGUMENTS…]
#
# LEASTWISE_ENTER_BUILD is the build folder, if that is not the root's own; LEASTWISE_ENTER_NGINX sources of
# nginx that are tested with instead of the packaged one.
set -euo pipefail

root=$1 source_dir=$2
shift 2

mkdir -p "$root/source" "$root/build" "$root/ccache"
mount --bind "$source_dir" "$root/source"
mount -o remount,bind,ro "$root/source"
if [ "${LEASTWISE_ENTER_BUILD:-$root/build}" != "$root/build" ]; then
  mount --bind "$LEASTWISE_ENTER_BUILD" "$root/build"
fi
if [ -n "${LEASTWISE_ENTER_NGINX:-}" ]; then
  mkdir -p "$root/nginx"
  mount --bind "$LEASTWISE_ENTER_NGINX" "$root/nginx"
  mount -o remount,bind,ro "$root/nginx"
fi
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
ip link set lo up
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  chroot "$root" /bin/bash /source/tests/matrix/inside.sh "$@"
