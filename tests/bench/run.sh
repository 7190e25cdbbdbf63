#!/usr/bin/env bash
# The benchmark lab: real nginx and HAProxy, with and without Leastwise, in scenarios of trouble.
# Installs what it needs, builds, measures, prints a table. See tests/bench/lab/main.py --help.
#   tests/bench/run.sh [--scenario NAME] [--seeds N] [--docs docs] …
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
.ci/install tests
mkdir -p build
{
  cmake --preset release -G Ninja
  cmake --build build/release --target ngx_http_leastwise_module leastwise-spoa \
    leastwise-backends leastwise-load
} > build/lab-build.log 2>&1 || { tail -n 40 build/lab-build.log >&2; exit 1; }
exec python3 tests/bench/lab/main.py "$@"
