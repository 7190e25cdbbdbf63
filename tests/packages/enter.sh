#!/usr/bin/env bash
# One step of tests/packages/run.sh, in namespaces that it has made.
#
#   enter.sh ROOT SOURCE_DIR PACKAGES STEP
set -euo pipefail

root=$1 source_dir=$2 packages=$3 step=$4
layer=$(mktemp -d)
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
root=$layer/root
mkdir -p "$root/source" "$root/packages" "$root/ccache"
mount --bind "$source_dir" "$root/source"
mount -o remount,bind,ro "$root/source"
mount --bind "$packages" "$root/packages"
mount --bind "$1/ccache" "$root/ccache"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  chroot "$root" /bin/bash /source/tests/packages/inside.sh "$step"
