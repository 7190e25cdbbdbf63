#!/usr/bin/env bash
# Policy `inference` with real model servers: four llama-servers of Debian sid behind an nginx of this
# machine with the module. The model has random weights and is made here: nothing is downloaded but
# Debian packages. Answers make no sense; API, event streams, what is cached and how long a prompt takes are
# those of any model.
#
#   tests/inference/run.sh [MODULE] [OPTIONS OF UNITTEST…]      default: that of build/release
#
# Needs root, for chroot and unshare, and Debian's debootstrap and nginx. llama.cpp is in a root of its own in
# LEASTWISE_INFERENCE_CACHE (default ~/.cache/leastwise-inference, 0.7 GB), which is kept; LEASTWISE_MATRIX_MIRROR is Debian's
# mirror. Where it can not run, it says "skipped: why" and ends with 77.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
module=${1:-$here/../../build/release/nginx_module/ngx_http_leastwise_module.so}
cache=${LEASTWISE_INFERENCE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leastwise-inference}
mirror=${LEASTWISE_MATRIX_MIRROR:-http://deb.debian.org/debian}
packages=(llama.cpp-tools python3-gguf)
root=$cache/sid

skip() { printf 'skipped: %s\n' "$*"; exit 77; }
isolated() { unshare --mount --pid --fork --kill-child --propagation private "$@"; }

[ "$(id -u)" -eq 0 ] || skip "needs root, which enters a Debian system with chroot"
[ -x /usr/sbin/nginx ] || skip "needs nginx. Run: apt-get install nginx"
[ -e "$module" ] || skip "there is no $module. Run: cmake --build --preset release"
isolated --net true 2> /dev/null || skip "unshare is not permitted. In a container: start it with --privileged"

check_host() {
  command -v debootstrap > /dev/null || skip "needs debootstrap. Run: apt-get install debootstrap"
  command -v wget > /dev/null || skip "needs wget. Run: apt-get install wget"
  wget --quiet --timeout=20 --tries=2 -O /dev/null "$mirror/dists/sid/Release" ||
    skip "$mirror can not be reached, and llama.cpp is not in $cache yet"
}

make_root() {
  if [ ! -e "$root" ]; then
    rm -rf "$root.new"
    isolated debootstrap --variant=minbase --include=ca-certificates sid "$root.new" "$mirror" || return
    mv "$root.new" "$root"
  fi
  # The host's clock may be ahead of the mirror's.
  echo 'Acquire::Check-Valid-Until "false";' > "$root/etc/apt/apt.conf.d/90leastwise"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  isolated chroot "$root" bash -c 'mount -t proc proc /proc; export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -q -y --no-install-recommends "$@"' _ "${packages[@]}" || return
  echo "${packages[*]}" > "$root/.complete"
}

if [ "$(cat "$root/.complete" 2> /dev/null)" != "${packages[*]}" ]; then
  check_host
  mkdir -p "$cache"
  echo "making $root"
  make_root > "$cache/sid.log" 2>&1 || { tail "$cache/sid.log"; exit 1; }
fi
cp "$here/make_model.py" "$root/root/"
chroot "$root" python3 /root/make_model.py /root/model.gguf

export LEASTWISE_LLAMA_ROOT=$root LEASTWISE_NGINX_MODULE
LEASTWISE_NGINX_MODULE=$(realpath "$module")
# shellcheck disable=SC2016  # the inner shell expands it
isolated --net bash -c 'ip link set lo up; mount -t proc proc "$LEASTWISE_LLAMA_ROOT/proc"; exec "$@"' _ \
  python3 "$here/llama_test.py" "${@:2}"
