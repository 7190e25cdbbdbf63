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

build() {
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

run_tests() {
  local sources=/usr/src/nginx
  if [ -e /nginx/src ]; then
    sources=/nginx
    export LEASTWISE_NGINX=/build/installed/sbin/nginx \
      LEASTWISE_NGINX_STREAM=/build/installed/modules/ngx_stream_module.so
  fi
  {
    [ -e /nginx/src ] && "$LEASTWISE_NGINX" -v 2>&1 | sed 's,.*/,,' || dpkg-query -W -f '${Version}\n' nginx
    g++ -dumpfullversion
    date +%F
  } > /build/versions
  ctest --test-dir /build -N -L integration -R '^nginx_module\.' |
    sed -n 's/^ *Test *#[0-9]*: //p' > /build/all_tests
  mkdir -p /build/results
  LEASTWISE_NGINX_SOURCES=$sources \
  ctest --test-dir /build -L integration -R '^nginx_module\.' --output-on-failure \
    --no-tests=error --output-junit "/build/results/$(date +%s.%N).xml" "$@"
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
  build) build ;;
  test) run_tests "$@" ;;
  asan) run_asan "$@" ;;
esac
