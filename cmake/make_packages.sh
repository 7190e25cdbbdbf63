#!/usr/bin/env bash
# Debian packages of this machine's nginx, HAProxy and compiler, by Debian's own tools:
#
#   cmake/make_packages.sh FOLDER        needs what .ci/install installs, build-essential, debhelper and help2man
#
# libnginx-mod-http-leastwise and -stream-leastwise work with the nginx-abi that they are built with;
# leastwise-spoa and leastwise-tools with any. The maintainer is DEBFULLNAME and DEBEMAIL, or
# who builds them.
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
for tool in dpkg-buildpackage:dpkg-dev dh:debhelper dh_nginx:nginx-dev help2man:help2man; do
  command -v "${tool%:*}" > /dev/null || { echo "needs ${tool%:*}: apt-get install ${tool#*:}" >&2; exit 2; }
done

dpkg-query -W -f '${Status}' build-essential 2> /dev/null | grep -q 'ok installed' ||
  { echo "needs build-essential: apt-get install build-essential" >&2; exit 2; }

version=$(sed -n 's/^project(leastwise VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
maintainer="${DEBFULLNAME:-$(id -un)} <${DEBEMAIL:-$(id -un)@$(hostname)}>"
work=$out/build  # the same each time, for ccache
trap 'rm -rf "$work"' EXIT
rm -rf "$work"
mkdir "$work"
tree=$work/leastwise-$version
mkdir "$tree"
tar -C "$root" --exclude=./build --exclude=./.git -cf - . | tar -C "$tree" -xf -
cp -r "$root/cmake/debian" "$tree/debian"
sed -i "s/@MAINTAINER@/$maintainer/" "$tree/debian/control"
cat > "$tree/debian/changelog" << END
leastwise ($version) unstable; urgency=medium

  * See CHANGELOG.md.

 -- $maintainer  $(date -R ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
END
cp "$root/examples/haproxy/leastwise-spoa.service" "$root/examples/haproxy/leastwise-spoa.socket" \
   "$root/examples/companion/leastwise-companion.service" "$tree/debian"
(cd "$tree" && dpkg-buildpackage --build=binary --no-sign --jobs="$(nproc)")
mv "$work"/*.deb "$out"
ls -l "$out"/*.deb
