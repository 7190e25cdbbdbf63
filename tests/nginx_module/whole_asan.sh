#!/usr/bin/env bash
# The integration suites in an nginx that has the address sanitizer itself, and whose pools take each piece
# of memory from malloc (NGX_DEBUG_PALLOC), so that what runs past one is seen. The modules have the
# address and undefined behaviour sanitizers, as in the stage module-asan of tests/run.sh.
#
#   whole_asan.sh SOURCES [-R REGEX…]     sources of nginx, a release or a checkout, which stay as they
#                                         are; what follows is ctest's
#
# Debian's sources: apt-get source --tar-only nginx. All is built in build/whole_asan.
set -euo pipefail

[ -e "${1:-}/src/core/nginx.h" ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
sources=$(realpath "$1")
shift
source_dir=$(realpath "$(dirname "$0")/../..")
build_dir=$source_dir/build/whole_asan
objs=$build_dir/nginx_objs
jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}

# What Debian's has, as far as the tests ask. Undefined behaviour of nginx's own is not looked for.
flags="--with-cc-opt='-g -O1 -fno-omit-frame-pointer -fsanitize=address -DNGX_DEBUG_PALLOC=1'
  --with-ld-opt=-fsanitize=address --error-log-path=stderr --http-log-path=/var/log/nginx/access.log
  --with-compat --with-debug --with-threads --with-http_ssl_module --with-http_v2_module
  --with-http_realip_module --with-http_auth_request_module --with-http_stub_status_module
  --with-stream=dynamic --with-stream_ssl_module --with-stream_ssl_preread_module"
# Programs that nginx's configure and build start free little at their end.
export ASAN_OPTIONS=detect_leaks=0

cd "$source_dir"
cmake --preset asan -B "$build_dir" -G Ninja -DLEASTWISE_BUILD_SPOE_AGENT=OFF \
  "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1 -DNDEBUG" \
  "-DNGINX_SOURCE_DIR=$sources" "-DNGINX_CONFIGURE_FLAGS=${flags//$'\n'/ }"
make -C "$objs/sources" -f "$objs/Makefile" -j"$jobs" binary modules > "$build_dir/nginx.log" 2>&1 ||
  { tail -n 30 "$build_dir/nginx.log"; exit 1; }
cmake --build "$build_dir" --parallel "$jobs" --target ngx_http_leastwise_module \
  ngx_stream_leastwise_module ngx_http_die_module
export LEASTWISE_NGINX=$objs/nginx LEASTWISE_NGINX_STREAM=$objs/ngx_stream_module.so
# Neither may be another by mistake.
nm -D "$LEASTWISE_NGINX" | grep __asan_init > /dev/null
nm -D "$LEASTWISE_NGINX_STREAM" | grep __asan_report > /dev/null
ctest --test-dir "$build_dir" -L asan-module --output-on-failure --no-tests=error "$@"
