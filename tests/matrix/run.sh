#!/usr/bin/env bash
# The integration suites of the nginx modules with every nginx that Debian ships, each in a root
# of its own, which debootstrap makes: bookworm has nginx 1.22, trixie 1.26, sid 1.30. "mainline" is
# an nginx that no Debian ships yet, built in sid's root from the sources that LEASTWISE_MATRIX_NGINX names, a
# release or a checkout, which stay as they are; without that it is left out. What passed is printed and
# written to docs/compatibility.md. With "haproxy" it is the agent and the packaged HAProxy instead: 2.6, 3.0, 3.2.
#
#   tests/matrix/run.sh                      all
#   tests/matrix/run.sh haproxy              all of the agent, and so with what follows but mainline and asan
#   tests/matrix/run.sh trixie sid           only these; the table keeps what it says of others
#   tests/matrix/run.sh roots                only make the roots: what needs the network
#   tests/matrix/run.sh build test trixie    only these steps of roots, build, test and table
#   LEASTWISE_MATRIX_NGINX=../nginx tests/matrix/run.sh mainline
#   tests/matrix/run.sh asan trixie -R stream  with sanitizers, and no other step; not in the table
#   tests/matrix/run.sh test table sid -R locks    what follows the first option is ctest's; the others of
#                                            that build are in the table as they ended before
#
# Needs root, for chroot and unshare, and Debian's debootstrap and iproute2. Nothing of the host
# is changed: mounts, processes and the network (loopback only) of a run are its own. The roots, with
# build folders and compiler caches, are kept in LEASTWISE_MATRIX_CACHE (default
# ~/.cache/leastwise-matrix, 2 GB a root). A root is as old as its folder: remove that, and the next run makes
# it anew with the mirror's current packages. LEASTWISE_MATRIX_MIRROR is Debian's mirror.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
cache=${LEASTWISE_MATRIX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leastwise-matrix}
mirror=${LEASTWISE_MATRIX_MIRROR:-http://deb.debian.org/debian}
nginx_sources=${LEASTWISE_MATRIX_NGINX:+$(realpath "$LEASTWISE_MATRIX_NGINX")}
all_releases=(bookworm trixie sid)
packages=(cmake ninja-build g++ ccache pkg-config ca-certificates curl openssl procps python3
          python3-h2 python3-dnslib redis-server nginx nginx-dev libnginx-mod-stream libnginx-mod-http-lua haproxy dpkg-dev iproute2
          libcli11-dev libspdlog-dev nlohmann-json3-dev libxxhash-dev libhiredis-dev libhttp-parser-dev libsystemd-dev
          libprotozero-dev libnghttp2-dev libcurl4-openssl-dev libyaml-cpp-dev libc-ares-dev libgtest-dev libgmock-dev libbenchmark-dev
          libpcre2-dev libssl-dev zlib1g-dev)

die() { printf 'tests/matrix/run.sh: %s\n' "$*" >&2; exit 2; }
note() { printf '==== %s (%s)\n' "$*" "$(date +%H:%M:%S)"; }

# In namespaces of its own, which end with it, whatever happens.
isolated() { unshare --mount --pid --fork --kill-child --propagation private "$@"; }

check_host() {
  [ "$(id -u)" -eq 0 ] ||
    die "needs root: it makes Debian systems with debootstrap and enters them with chroot. Run: sudo $0"
  local tool
  for tool in debootstrap:debootstrap unshare:util-linux ip:iproute2 wget:wget; do
    command -v "${tool%:*}" > /dev/null ||
      die "needs ${tool%:*}. Run: apt-get install ${tool#*:}"
  done
  isolated --net true 2> /dev/null ||
    die "unshare is not permitted here, even to root. In a container: start it with --privileged"
}

# check_network RELEASE
check_network() {
  wget --quiet --timeout=20 --tries=2 -O /dev/null "$mirror/dists/$1/Release" ||
    die "$mirror/dists/$1 can not be reached, and $1 is not in $cache yet. With a network run:" \
        "tests/matrix/run.sh roots; after that none is needed. Another mirror: LEASTWISE_MATRIX_MIRROR=URL"
}

# What apt of RELEASE reads; nginx is often newest among the security updates.
sources() {
  echo "deb $mirror $1 main"
  echo "deb-src $mirror $1 main"
  [ "$1" = sid ] && return
  echo "deb ${mirror%/debian}/debian-security $1-security main"
  echo "deb-src ${mirror%/debian}/debian-security $1-security main"
}

# mainline has nothing but a build folder of its own.
root_of() { [ "$1" = mainline ] && echo sid || echo "$1"; }

# make_root RELEASE: as it is, if it has all the packages. LuaJIT is the one that its nginx-lua needs.
make_root() {
  local release=$1 root=$cache/$1 stamp luajit=libluajit-5.1-dev boost=libboost-dev
  [ "$release" = bookworm ] && luajit=libluajit2-5.1-dev boost=libboost1.81-dev
  local packages=("${packages[@]}" "$luajit" "$boost")
  stamp="${packages[*]} nginx-source"
  [ "$(cat "$root/.complete" 2> /dev/null)" = "$stamp" ] && return
  check_network "$release"
  note "$release: making the root in $root"
  mkdir -p "$cache"
  if [ ! -e "$root/etc/debian_version" ]; then
    rm -rf "$root.new"
    isolated debootstrap --variant=minbase --include=ca-certificates "$release" "$root.new" \
      "$mirror" > "$cache/$release.log" 2>&1 || { tail "$cache/$release.log"; die "debootstrap failed, see $cache/$release.log"; }
    mv "$root.new" "$root"
  fi
  sources "$release" > "$root/etc/apt/sources.list"
  # The host's clock may be ahead of the mirror's.
  echo 'Acquire::Check-Valid-Until "false";' > "$root/etc/apt/apt.conf.d/90leastwise"
  printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"  # no service is started
  chmod +x "$root/usr/sbin/policy-rc.d"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  isolated "$here/enter.sh" "$root" "$source_dir" packages "${packages[@]}" \
    >> "$cache/$release.log" 2>&1 ||
    { tail "$cache/$release.log"; die "$release: its packages could not be installed, see $cache/$release.log"; }
  echo "$stamp" > "$root/.complete"
}

# in_root RELEASE STEP [ARGUMENTS…]: without a network but its own loopback.
in_root() {
  local release=$1 sources=""
  shift
  [ "$release" = mainline ] && sources=$nginx_sources
  mkdir -p "$cache/$release/build"
  LEASTWISE_ENTER_NGINX=$sources LEASTWISE_ENTER_BUILD=$cache/$release/build \
    isolated --net "$here/enter.sh" "$cache/$(root_of "$release")" "$source_dir" "$@"
}

proxy=nginx steps=() releases=() ctest_options=()
while [ $# -gt 0 ]; do
  case $1 in
    nginx|haproxy) proxy=$1 ;;
    roots|build|test|table|asan) steps+=("$1") ;;
    bookworm|trixie|sid|mainline) releases+=("$1") ;;
    -*) [ "$1" = --help ] && { sed -n '2,26s/^# \{0,1\}//p' "$0"; exit; }
        ctest_options=("$@"); break ;;
    *) die "\"$1\": expected haproxy, a step (roots, build, test, table, asan) or a release (${all_releases[*]} mainline)" ;;
  esac
  shift
done
[ ${#steps[@]} -gt 0 ] || steps=(roots build test table)
if [ ${#releases[@]} -eq 0 ]; then
  releases=("${all_releases[@]}")
  if [ "$proxy" = haproxy ]; then :
  elif [ -n "$nginx_sources" ]; then releases+=(mainline)
  else note "mainline is left out: LEASTWISE_MATRIX_NGINX names no sources of nginx"
  fi
fi
wants() { [[ " ${steps[*]} " == *" $1 "* ]]; }

if [ "$proxy" = haproxy ] && { wants asan || [[ " ${releases[*]} " == *" mainline "* ]]; }; then
  die "haproxy has no step asan and no release mainline"
fi
# of the root's build folder
declare -A folders=([nginx]=. [haproxy]=agent)

check_host
status=0
for release in "${releases[@]}"; do
  if [ "$release" = mainline ] && [ ! -e "$nginx_sources/src/core/nginx.h" ]; then
    die "mainline needs sources of nginx: LEASTWISE_MATRIX_NGINX=FOLDER, of a release or a checkout"
  fi
  make_root "$(root_of "$release")"
  if wants build; then
    note "$release: build"
    in_root "$release" "build_$proxy" || { status=1; continue; }
  fi
  if wants test; then
    [ -e "$cache/$release/build/${folders[$proxy]}/build.ninja" ] ||
      die "$release is not built yet. Run: $0 $proxy build $release"
    note "$release: test"
    in_root "$release" "test_$proxy" "${ctest_options[@]}" || status=1
  fi
  if wants asan; then
    note "$release: build and test with sanitizers"
    in_root "$release" asan "${ctest_options[@]}" || status=1
  fi
done
if wants table; then
  if [ "$proxy" = nginx ] && [ -d "$cache/mainline/build/results" ]; then all_releases+=(mainline); fi
  python3 "$here/table.py" "$source_dir/docs/compatibility.md" "$proxy" "$cache" "${all_releases[@]}" || status=1
fi
exit $status
