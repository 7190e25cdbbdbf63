#!/usr/bin/env bash
# A scene: real nginx before servers that have trouble, first with nginx's own method and then with
# Leastwise, a table of both, and the live page.
#
#   examples/scenes/run.sh web      a web site: cheap and expensive pages, slow, lagging and failing servers
#   examples/scenes/run.sh cloud    cloud machines in two zones, where leaving the zone costs money
#   examples/scenes/run.sh game     game servers over TCP and UDP, one of which lags
#
# It goes on with a little load until Ctrl-C; --once stops after the table, --seconds N measures shorter.
# Needs Debian and git; installs the rest. LEASTWISE_PORT moves its ports (18200 and the next 40, on 127.0.0.1).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# Wrong words are told before anything is built.
python3 "$root/examples/scenes/main.py" --check "$@"
# shellcheck source=examples/quickstart.d/build.sh
. "$root/examples/quickstart.d/build.sh"
exec env LEASTWISE_MODULE="$module" LEASTWISE_STREAM_MODULE="$stream_module" LEASTWISE_BACKENDS="$backends" \
  LEASTWISE_LOAD="$load" python3 "$root/examples/scenes/main.py" "$@"
