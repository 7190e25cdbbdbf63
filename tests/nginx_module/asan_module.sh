#!/usr/bin/env bash
# Builds the module with the address and undefined behaviour sanitizers and runs all its
# tests in the packaged nginx, which itself is not instrumented.
#
#   asan_module.sh [BUILD_DIR]
set -euo pipefail

source_dir=$(realpath "$(dirname "$0")/../..")
build_dir=${1:-$source_dir/build/asan_module}

# gcc: clang's runtime can not be preloaded into a program that does not have it.
cmake -S "$source_dir" -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -DLEASTWISE_WERROR=ON \
  -DLEASTWISE_SANITIZE=address,undefined -DLEASTWISE_BUILD_SPOE_AGENT=OFF
cmake --build "$build_dir" --target ngx_http_leastwise_module ngx_stream_leastwise_module \
  ngx_http_die_module
ctest --test-dir "$build_dir" -L asan-module --output-on-failure --no-tests=error
