#!/usr/bin/env bash
# One step of tests/packages/run.sh or systemd.sh, in namespaces that it has made.
#
#   enter.sh ROOT SOURCE_DIR PACKAGES STEP [boot]     boot: then systemd is started, until it says how it ended
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
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  chroot "$root" /bin/bash /source/tests/packages/inside.sh "$step"
[ "${5:-}" = boot ] || exit 0
umount --lazy "$root/proc" "$root/tmp" "$root/dev" "$root/ccache" "$root/packages" "$root/source"
mount -t proc proc /proc  # of this namespace of processes
exec systemd-nspawn --quiet --directory="$root" --boot --register=no --keep-unit --machine=leastwise-tried \
  --private-network --bind-ro="$source_dir:/source" --bind="$packages:/packages" > "$packages/boot.log" 2>&1 < /dev/null
