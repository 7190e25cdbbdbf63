#!/usr/bin/env bash
# What tests/matrix/run.sh does within a root: the sources are in /source, read-only.
set -euo pipefail

jobs=$(nproc)
# Also for what nginx_module.build builds, each time in another folder.
export CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 CMAKE_BUILD_PARALLEL_LEVEL=$jobs
export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache

packages() {
  apt-get update
  apt-get -y dist-upgrade
  apt-get install -y --no-install-recommends "$@"
  # With its sources nginx itself can be built, see tests/nginx_module/build_test.py. Not all
  # mirrors have Debian's changes to them, which make no difference for that.
  rm -rf /usr/src/nginx
  mkdir -p /usr/src/nginx
  cd /usr/src/nginx
  apt-get -o APT::Sandbox::User=root source --tar-only nginx &&
    tar -x --strip-components=1 -f nginx_*.orig.tar.* ||
    echo "no sources of nginx: it will not be built"
  apt-get clean
}

# Of an nginx from sources: what the packaged one has, as far as the tests ask.
nginx_flags="--prefix=/build/installed --http-log-path=/var/log/nginx/access.log --with-compat --with-threads
  --with-http_ssl_module --with-http_v2_module --with-http_v3_module --with-http_realip_module
  --with-http_auth_request_module --with-stream=dynamic --with-stream_ssl_module --with-stream_ssl_preread_module"

# The nginx of the sources in /nginx, if there are any.
build_nginx() {
  [ -e /nginx/src ] || return 0
  rm -rf /build/nginx
  mkdir -p /build/nginx
  tar -C /nginx --exclude=./.git --exclude=./objs --exclude=./Makefile -cf - . | tar -C /build/nginx -xf -
  cd /build/nginx
  # shellcheck disable=SC2086
  { $([ -x configure ] && echo ./configure || echo auto/configure) --with-cc="ccache cc" $nginx_flags &&
    nice make -j"$jobs" install; } > /build/nginx.log 2>&1 || { tail -n 30 /build/nginx.log; return 1; }
}

build_nginx_modules() {
  local options=(-DCMAKE_BUILD_TYPE=RelWithDebInfo -DLEASTWISE_BUILD_SPOE_AGENT=OFF)
  build_nginx
  [ -e /nginx/src ] && options+=(-DNGINX_SOURCE_DIR=/nginx "-DNGINX_CONFIGURE_FLAGS=${nginx_flags//$'\n'/ }")
  cmake -S /source -B /build -G Ninja "${options[@]}" > /build/configure.log 2>&1 ||
    { tail -n 30 /build/configure.log; return 1; }
  # The modules that there are, and what their tests load beside them.
  local targets
  targets=$(ninja -C /build -t targets all | sed -n 's/^\(ngx_[a-z_]*_module\): phony$/\1/p')
  rm -rf /build/results  # of what was built before
  # shellcheck disable=SC2086
  nice cmake --build /build --parallel "$jobs" --target $targets > /build/build.log 2>&1 ||
    { tail -n 60 /build/build.log; return 1; }
  ls -l /build/nginx_module/*.so
}

# The agent, and what its tests load beside it.
build_agent() {
  mkdir -p /build/agent
  cmake -S /source -B /build/agent -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DLEASTWISE_BUILD_NGINX_MODULE=OFF > /build/agent/configure.log 2>&1 ||
    { tail -n 30 /build/agent/configure.log; return 1; }
  rm -rf /build/agent/results
  nice cmake --build /build/agent --parallel "$jobs" \
    --target leastwise-spoa leastwise-backends leastwise-load > /build/agent/build.log 2>&1 ||
    { tail -n 60 /build/agent/build.log; return 1; }
}

# run_tests FOLDER NAMES VERSION [OPTIONS…]: those whose name begins so, with that version of nginx or HAProxy.
run_tests() {
  local folder=$1 names="^$2" version=$3
  shift 3
  printf '%s\n%s\n%s\n' "$version" "$(g++ -dumpfullversion)" "$(date +%F)" > "$folder/versions"
  ctest --test-dir "$folder" -N -L '^(integration|package)$' -R "$names" |
    sed -n 's/^ *Test *#[0-9]*: //p' > "$folder/all_tests"
  mkdir -p "$folder/results"
  ctest --test-dir "$folder" -L '^(integration|package)$' -R "$names" --output-on-failure \
    --no-tests=error --output-junit "$folder/results/$(date +%s.%N).xml" "$@"
}

version_of() { dpkg-query -W -f '${Version}' "$1"; }

test_nginx_modules() {
  local version
  version=$(version_of nginx)
  if [ -e /usr/src/nginx/src ]; then export LEASTWISE_NGINX_SOURCES=/usr/src/nginx; fi
  if [ -e /nginx/src ]; then
    export LEASTWISE_NGINX_SOURCES=/nginx LEASTWISE_NGINX=/build/installed/sbin/nginx \
      LEASTWISE_NGINX_STREAM=/build/installed/modules/ngx_stream_module.so
    version=$("$LEASTWISE_NGINX" -v 2>&1 | sed 's,.*/,,')
  fi
  run_tests /build 'nginx_module\.' "$version" "$@"
}

# The modules with the address and undefined behaviour sanitizers, and their tests in this nginx.
run_asan() {
  mkdir -p /build/asan
  cmake -S /source -B /build/asan -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    "-DLEASTWISE_SANITIZE=address,undefined" -DLEASTWISE_BUILD_SPOE_AGENT=OFF > /build/asan.log 2>&1 &&
    nice cmake --build /build/asan --parallel "$jobs" --target ngx_http_leastwise_module \
      ngx_stream_leastwise_module ngx_http_die_module >> /build/asan.log 2>&1 ||
    { tail -n 60 /build/asan.log; return 1; }
  ctest --test-dir /build/asan -L asan-module --output-on-failure --no-tests=error "$@"
}

step=$1
shift
case $step in
  packages) packages "$@" ;;
  build_nginx) build_nginx_modules ;;
  build_haproxy) build_agent ;;
  test_nginx) test_nginx_modules "$@" ;;
  test_haproxy) run_tests /build/agent 'integration\.agent\.' "$(version_of haproxy)" "$@" ;;
  asan) run_asan "$@" ;;
esac
