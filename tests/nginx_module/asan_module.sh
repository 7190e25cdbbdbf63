#!/usr/bin/env bash
# Builds the module with the address and undefined behaviour sanitizers and runs all its
# tests in the packaged nginx, which itself is not instrumented.
#
#   asan_module.sh
set -euo pipefail

source_dir=$(realpath "$(dirname "$0")/../..")
build_dir=$source_dir/build/asan

# With gcc: clang's runtime can not be preloaded into a program that does not have it.
cd "$source_dir"
cmake --preset asan -G Ninja
cmake --build "$build_dir" --target ngx_http_leastwise_module ngx_stream_leastwise_module \
  ngx_http_die_module
ctest --test-dir "$build_dir" -L asan-module --output-on-failure --no-tests=error
