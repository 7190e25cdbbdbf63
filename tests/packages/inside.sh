#!/usr/bin/env bash
# What tests/packages/run.sh does within a root: the sources are in /source, the packages in /packages.
set -euo pipefail

enabled=/etc/nginx/modules-enabled

fail() { echo "FAILED: $*" >&2; exit 1; }
get() { apt-get install -y -qq --no-install-recommends "$@" > /dev/null; }
install_from() {
  local debs
  mapfile -t debs < <(find "$1" -name '*.deb' ! -name '*dbgsym*')
  get "${debs[@]}"
}

build() {
  apt-get update -qq
  boost=libboost-dev luajit=libluajit-5.1-dev
  if apt-cache policy libboost1.81-dev | grep 'Candidate: [0-9]' > /dev/null; then boost=libboost1.81-dev luajit=libluajit2-5.1-dev; fi
  get build-essential help2man lintian libsystemd-dev "$luajit" libnghttp2-dev libcurl4-openssl-dev libyaml-cpp-dev libc-ares-dev "$boost"
  export CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
  export DEBFULLNAME=Tests DEBEMAIL=tests@example.org
  rm -f /packages/*.deb
  /source/cmake/make_packages.sh /packages > /packages/build.log 2>&1 || { tail -n 40 /packages/build.log; exit 1; }
  lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs,bogus-mail-host-in-debian-changelog \
    /packages/*_*.deb
}

# serves PORT: through both modules, and the agent answers.
serves() {
  nginx -t -c /tmp/nginx.conf
  nginx -c /tmp/nginx.conf
  curl -sf http://127.0.0.1:8081/ > /dev/null || fail "http through leastwise"
  curl -sf http://127.0.0.1:8082/ > /dev/null || fail "stream through leastwise"
  curl -sf http://127.0.0.1:8083/ | grep '"stream/' > /dev/null || fail "the status knows both"
  nginx -c /tmp/nginx.conf -s stop
  while pgrep -x nginx > /dev/null; do sleep 0.1; done
}

configure_nginx() {
  cat > /tmp/nginx.conf <<END
include $enabled/*.conf;
events {}
http {
    upstream app { leastwise; server 127.0.0.1:8080; }
    server { listen 127.0.0.1:8080; return 200 hello; }
    server { listen 127.0.0.1:8081; location / { proxy_pass http://app; } }
    server { listen 127.0.0.1:8083; location / { leastwise_status; } }
}
stream {
    upstream game { leastwise; server 127.0.0.1:8080; }
    server { listen 127.0.0.1:8082; proxy_pass game; }
}
END
}

# A package of the same files and a higher version.
next_version() {
  mkdir -p /tmp/next
  local deb
  for deb in /packages/*_*.deb; do
    rm -rf /tmp/tree
    dpkg-deb -R "$deb" /tmp/tree
    sed -i 's/^Version: .*/&+next/' /tmp/tree/DEBIAN/control
    dpkg-deb -b /tmp/tree "/tmp/next/$(basename "$deb")" > /dev/null
  done
}

use() {
  local modules=(libnginx-mod-http-leastwise libnginx-mod-stream-leastwise)
  ip link set lo up || true
  apt-get update -qq
  get haproxy
  install_from /packages
  ls "$enabled"/*leastwise.conf
  configure_nginx
  serves
  leastwise-sim --version
  leastwise-spoa --check-config -c /etc/leastwise/leastwise.conf
  leastwise-companion --check-config
  for page in leastwise-spoa.8 leastwise.conf.5 leastwise-companion.8 leastwise-companion.conf.5 leastwise-sim.1; do
    [ -s "/usr/share/man/man${page##*.}/$page.gz" ] || [ -n "$(dpkg -L leastwise-spoa leastwise-companion leastwise-tools | grep "$page")" ] ||
      fail "no manual $page"
  done
  echo '# kept' >> /etc/leastwise/leastwise.conf
  next_version
  install_from /tmp/next
  dpkg -s leastwise-spoa | grep '+next' > /dev/null || fail "not upgraded"
  grep -q '# kept' /etc/leastwise/leastwise.conf || fail "the upgrade lost a changed configuration"
  serves
  apt-get remove -y -qq "${modules[@]}" leastwise-spoa leastwise-companion leastwise-tools > /dev/null
  nginx -t || fail "nginx after the removal"
  # Debian's own leave a link of another name, by which a package that comes again is enabled again.
  [ -z "$(find "$enabled" -name '*leastwise.conf')" ] || fail "a link is left in $enabled"
  dpkg --purge "${modules[@]}" leastwise-spoa leastwise-companion > /dev/null
  [ -z "$(find "$enabled" -name '*leastwise*')" ] || fail "purge left a link in $enabled"
  [ ! -e /etc/leastwise ] || fail "/etc/leastwise is left"
  echo "installed, used, upgraded, removed, purged"
}

# What systemd.sh boots then.
service() {
  apt-get update -qq
  get haproxy systemd-sysv dbus curl python3
  get /packages/leastwise-spoa_*.deb
  cat > /etc/systemd/system/tried.service <<'END'
[Unit]
After=haproxy.service
[Service]
Type=oneshot
ExecStart=/source/tests/packages/service.sh
StandardOutput=file:/packages/service.log
StandardError=inherit
[Install]
WantedBy=multi-user.target
END
  systemctl -q enable tried
  for other in nginx redis-server valkey-server; do systemctl -q mask "$other"; done
}

"$1"
