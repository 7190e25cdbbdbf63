#!/usr/bin/env bash
# The companion with a real kube-apiserver and etcd, nginx and 200 servers; build.sh makes what there is no package of,
# once. Takes a minute and a half. Ports 21500 to 21699 on 127.0.0.1 and 127.0.1.x.
#
#   tests/kubernetes/run.sh                 all, with the programs of build/release
#   tests/kubernetes/run.sh Trouble Scale   only these, as unittest names them
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${LEASTWISE_BUILD:-$root/build/release}
cache=${LEASTWISE_KUBERNETES_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leastwise-kubernetes}

for program in spoe_agent/leastwise-companion nginx_module/ngx_http_leastwise_module.so tests/bench/leastwise-load \
               tests/bench/leastwise-backends; do
  [ -e "$build/$program" ] && continue
  echo "tests/kubernetes/run.sh: $build/$program is not there. Run: cmake --preset release && cmake --build build/release" >&2
  exit 2
done
"$here/build.sh"
export PYTHONPATH=$root/tests/nginx_module:$root/tests/integration/companion:$here
export LEASTWISE_KUBERNETES=$cache/bin LEASTWISE_COMPANION=$build/spoe_agent/leastwise-companion
export LEASTWISE_NGINX_MODULE=$build/nginx_module/ngx_http_leastwise_module.so
export LEASTWISE_BACKENDS=$build/tests/bench/leastwise-backends LEASTWISE_LOAD=$build/tests/bench/leastwise-load
exec python3 -B "$here/real_test.py" --verbose "$@"
