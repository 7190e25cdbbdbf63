#!/usr/bin/env bash
# Shows what Leastwise does: eight HTTP servers, two of them four times slower than the
# others, behind nginx and behind HAProxy, each first with its own round robin and then
# with Leastwise, under the same load.
#
#   examples/quickstart.sh          leaves everything running, with a status page
#   examples/quickstart.sh --once   stops by itself after the table
#
# Needs Debian and git; installs the rest (asks for sudo when you are not root).
# LEASTWISE_BUILD is a build folder to take the programs from. LEASTWISE_PORT moves the ports it listens on (18080 and the next 20, on 127.0.0.1).
set -euo pipefail

once=no
case "${1:-}" in
  --once) once=yes ;;
  '') ;;
  *) echo "usage: $0 [--once]" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
port=${LEASTWISE_PORT:-18080}
rate=500 seconds=14 warm_up=4
work=$(mktemp -d "${TMPDIR:-/tmp}/leastwise.XXXXXX")
pids=()

stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# run NAME COMMAND…: starts it in the background, its output to a file of that name.
run() {
  local name=$1
  shift
  "$@" > "$work/$name.log" 2>&1 &
  pids+=($!)
}

# await NAME PORT: until something listens there.
await() {
  for _ in $(seq 100); do
    if (exec 3<> "/dev/tcp/127.0.0.1/$2") 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "$1 did not start; its output:" >&2
  cat "$work/$1.log" >&2
  exit 1
}

# shellcheck source=examples/quickstart.d/build.sh
. "$root/examples/quickstart.d/build.sh"

# Configurations: the templates beside this script, with names and ports filled in.
servers=$((port + 10))
fill() {
  sed -e "s|@WORK@|$work|g; s|@MODULE@|$module|g; s|@NGINX@|$port|g" \
      -e "s|@NGINX_LEASTWISE@|$((port + 1))|g; s|@HAPROXY@|$((port + 2))|g" \
      -e "s|@HAPROXY_LEASTWISE@|$((port + 3))|g; s|@STATUS@|$((port + 4))|g" \
      -e "s|@FEEDBACK@|$((port + 5))|g" \
      "$root/examples/quickstart.d/$1" |
    awk -v first="$servers" '/@EACH_SERVER@/ {
      for (i = 0; i < 8; ++i) { line = $0; sub(/@EACH_SERVER@/, "", line)
        gsub(/@I@/, i + 1, line); gsub(/@PORT@/, first + i, line)
        gsub(/@SLOW@/, i < 6 ? 1 : 4, line); gsub(/@COMMA@/, i < 7 ? "," : "", line); print line }
      next } {print}' > "$work/$1"
}
for file in backends.json nginx.conf haproxy.cfg spoe.conf agent.conf; do fill "$file"; done
mkdir -p "$work/nginx"

run backends "$backends" "$work/backends.json"
await backends "$servers"
run agent "$agent" -c "$work/agent.conf"
await agent $((port + 4))
run nginx /usr/sbin/nginx -p "$work/nginx" -c "$work/nginx.conf"
run haproxy /usr/sbin/haproxy -db -f "$work/haproxy.cfg"
await nginx $((port + 1))
await haproxy $((port + 3))
sleep 1  # the agent learns the servers from HAProxy

measure() {
  echo "  $2: $seconds s at $rate requests/s" >&2
  "$load" --port "$1" --rate "$rate" --seconds "$seconds" --warm-up "$warm_up" --seed 1 \
    --json > "$work/$2.json" || [ $? -eq 3 ]  # 3: the load was late, which the table says
}
echo "measuring"
measure "$port" nginx-round_robin
measure $((port + 1)) nginx-leastwise
measure $((port + 2)) haproxy-round_robin
measure $((port + 3)) haproxy-leastwise
python3 "$root/examples/quickstart.d/table.py" "$work"

if [ "$once" = yes ]; then exit 0; fi
run traffic-nginx "$load" --port $((port + 1)) --rate 100 --seconds 3600
run traffic-haproxy "$load" --port $((port + 3)) --rate 100 --seconds 3600
cat <<END

Still running, for an hour with a little load, until you press Ctrl-C:
  http://127.0.0.1:$((port + 4))/        what the agent knows of HAProxy's servers, live
  http://127.0.0.1:$((port + 1))/leastwise           the same of nginx
  http://127.0.0.1:$((port + 1))/leastwise/metrics   and for Prometheus
  $work   the configurations and logs
END
wait "${pids[1]}"
