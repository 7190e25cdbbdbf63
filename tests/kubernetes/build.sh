#!/usr/bin/env bash
# Makes a kube-apiserver and an etcd from Debian 12's packages, once: Kubernetes 1.20 is built from its source
# package by the Go of that release (some minutes, 3 GB), etcd 3.4 is taken as it is. Nothing is installed, and root
# is not needed. What is kept, in LEASTWISE_KUBERNETES_CACHE (default ~/.cache/leastwise-kubernetes), is two programs,
# 180 MB. LEASTWISE_MATRIX_MIRROR is Debian's mirror.
#
#   tests/kubernetes/build.sh          makes what is missing
#   tests/kubernetes/build.sh --there  only tells whether it is there, by its exit status
set -euo pipefail

cache=${LEASTWISE_KUBERNETES_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leastwise-kubernetes}
mirror=${LEASTWISE_MATRIX_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
work=$cache/work
programs=(kube-apiserver etcd)

die() { printf 'tests/kubernetes/build.sh: %s\n' "$*" >&2; exit 1; }
note() { printf '==== %s (%s)\n' "$*" "$(date +%H:%M:%S)"; }

are_there() {
  local program
  for program in "${programs[@]}"; do [ -x "$cache/bin/$program" ] || return 1; done
}

# An apt of its own, that knows nothing but Debian 12 and installs nothing.
make_apt() {
  mkdir -p "$work"/apt/{lists/partial,archives/partial}
  : > "$work/apt/status"
  cat > "$work/apt/sources.list" <<END
deb [signed-by=$keyring] $mirror bookworm main
deb-src [signed-by=$keyring] $mirror bookworm main
END
  # The host's clock may be ahead of the mirror's.
  cat > "$work/apt/apt.conf" <<END
Dir::Etc::SourceList "$work/apt/sources.list";
Dir::Etc::SourceParts "/nonexistent";
Dir::State::Lists "$work/apt/lists";
Dir::State::Status "$work/apt/status";
Dir::Cache "$work/apt";
APT::Sandbox::User "";
Acquire::Check-Valid-Until "false";
END
  export APT_CONFIG=$work/apt/apt.conf
  apt-get update -qq
}

# unpack PACKAGE…: their files, below $work/root.
unpack() {
  apt-get download -qq "$@"
  local package
  for package in "$@"; do dpkg -x "$package"_*.deb "$work/root"; done
}

# The sources lack the descriptions of the API's types, which are generated from comments in them.
describe_types() {
  local generator=$work/openapi-gen packages
  "$1" build -o "$generator" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  packages=$(grep -rl --include='*.go' '+k8s:openapi-gen=' pkg staging/src |
    grep -Ev '/(_examples|code-generator|sample-apiserver|generated)/' | xargs -n1 dirname |
    LC_ALL=C sort -u | sed 's|^staging/src/|vendor/|; s|^|k8s.io/kubernetes/|' | paste -sd,)
  "$generator" --logtostderr -i "$packages" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \
    -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$work/violations" > "$work/openapi.log" 2>&1 ||
    { tail -n 20 "$work/openapi.log"; die "the descriptions of the API's types were not generated"; }
}

# Its vendored reflect2 reads what the Go of today keeps elsewhere; Debian's own is newer.
build_server() {
  local go=$work/root/usr/lib/go-1.19 gopath=$work/go
  local tree=$gopath/src/k8s.io/kubernetes
  apt-get source -qq --download-only kubernetes
  mkdir -p "${tree%/*}"
  rm -rf "$tree"
  dpkg-source --no-check -x kubernetes_*.dsc "$tree" > source.log
  rm -rf "$tree/vendor/github.com/modern-go/reflect2"
  cp -r root/usr/share/gocode/src/github.com/modern-go/reflect2 "$tree/vendor/github.com/modern-go/reflect2"
  cd "$tree"
  export GOROOT=$go GOPATH=$gopath GOCACHE=$work/go-cache GO111MODULE=off GOPROXY=off PATH=$go/bin:$PATH
  describe_types "$go/bin/go"
  chrt --idle 0 "$go/bin/go" build -ldflags '-s -w' -o "$cache/bin/kube-apiserver" ./cmd/kube-apiserver
}

are_there && exit 0
[ "${1:-}" = --there ] && exit 1
for tool in apt-get:apt dpkg-source:dpkg-dev gcc:gcc; do
  command -v "${tool%:*}" > /dev/null || die "needs ${tool%:*}. Run: apt-get install ${tool#*:}"
done
[ -e "$keyring" ] || die "needs $keyring. Run: apt-get install debian-archive-keyring"
mkdir -p "$cache/bin" "$work"
cd "$work"
note "what Debian has"
make_apt
unpack golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev etcd-server
cp root/usr/bin/etcd "$cache/bin/etcd"
note "building kube-apiserver"
(build_server)
chmod -R u+w "$work"  # Go's own folders are not
rm -rf "$work"
note "there: $cache/bin"
