#!/usr/bin/env bash
# What a pick costs: instructions of nginx per request or session, as a ratio to its own methods.
#
#   nginx_cost.sh ngx_http_leastwise_module.so [LIMIT]    exits 1 when the ratio is above LIMIT (default 1.05)
#   nginx_cost.sh ngx_stream_leastwise_module.so [LIMIT]  the same of a TCP session of one exchange, to
#                                                         nginx's least_conn (default 1.10)
#
# Callgrind counts the instructions that nginx executes in user space, so that the figure
# is the same on any machine and under any load. Each method runs twice, with different
# numbers of requests: the difference is what requests cost, without start and stop, and
# without the first thousand answers, from which the model learns more than from later
# ones. Eight servers, or LEASTWISE_COST_SERVERS; keepalive off: a connection for each request,
# from the client and to the server; LEASTWISE_COST_CLIENT=kept keeps the client's, so that the
# method weighs more.
# The timer of the slow half is in it, though callgrind slows nginx so much that it fires
# for every few dozen requests.
set -euo pipefail

module=$(realpath "$1")
case $module in
  *ngx_stream_*) kind=stream base=least_conn limit=${2:-1.10} ;;
  *) kind=http base=round_robin limit=${2:-1.05} ;;
esac
# On one processor nginx finds a server's answer and its end together; else whether it does is chance, and worth
# a twentieth of a session.
if [ $kind = stream ] && [ -z "${LEASTWISE_COST_PINNED:-}" ] && command -v taskset >/dev/null; then
  first=$(taskset --cpu-list --pid $$ | sed 's/.*: //; s/[-,].*//')
  LEASTWISE_COST_PINNED=1 exec taskset --cpu-list "$first" "$0" "$@"
fi
nginx_stream=${LEASTWISE_NGINX_STREAM:-/usr/lib/nginx/modules/ngx_stream_module.so}
few=${LEASTWISE_COST_FEW:-1500}
many=${LEASTWISE_COST_MANY:-4500}
client=${LEASTWISE_COST_CLIENT:-closed}
servers_wanted=${LEASTWISE_COST_SERVERS:-8}
port=20900
folder=$(mktemp -d)
pids=()

clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$folder"
}
trap clean_up EXIT

modules="load_module $module;"
if [ $kind = stream ]; then modules="load_module $nginx_stream; $modules"; fi
user=""
if [ "$(id -u)" = 0 ]; then user="user root;"; fi

# $1 name, $2 text inside http{}, $3 text beside it
write_config() {
  mkdir -p "$folder/$1"
  cat >"$folder/$1/nginx.conf" <<CONF
$modules
$user
daemon off;
master_process off;
error_log $folder/$1/error.log;
pid $folder/$1/nginx.pid;
worker_rlimit_nofile 16384;
events { worker_connections 10000; }
http {
  access_log off;
  client_body_temp_path $folder/$1/body; proxy_temp_path $folder/$1/proxy;
  fastcgi_temp_path $folder/$1/fastcgi; uwsgi_temp_path $folder/$1/uwsgi;
  scgi_temp_path $folder/$1/scgi;
  keepalive_requests 1000000;
  $2
}
${3:-}
CONF
}

wait_for_port() {
  for _ in $(seq 600); do
    if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "nothing listens on port $1" >&2
  exit 1
}

# $1 port, $2 number of requests
send() {
  python3 - "$1" "$2" "$client" <<'PYTHON'
import http.client, sys
client = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
headers = {"Connection": "close"} if sys.argv[3] == "closed" else {}
for _ in range(int(sys.argv[2])):
    client.request("GET", "/api/items", headers=headers)
    answer = client.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
PYTHON
}

# $1 name of the method, $2 number of requests; prints the instructions of the whole run
count() {
  valgrind --tool=callgrind --callgrind-out-file="$folder/$1/callgrind" \
    nginx -p "$folder/$1" -c "$folder/$1/nginx.conf" >"$folder/$1/output" 2>&1 &
  local pid=$!
  pids+=("$pid")
  wait_for_port "$port"
  send "$port" "$2"
  kill -QUIT "$pid"
  wait "$pid"
  sed -n 's/^totals: *//p' "$folder/$1/callgrind"
}

servers=""
listens=""
for i in $(seq "$servers_wanted"); do
  servers+="server 127.0.0.1:$((port + i)); "
  listens+="listen 127.0.0.1:$((port + i)); "
done
write_config servers "server { $listens location / { return 200 ok; } }"
nginx -p "$folder/servers" -c "$folder/servers/nginx.conf" 2>/dev/null &
pids+=("$!")
wait_for_port $((port + 1))

for method in round_robin least_conn leastwise; do
  directive="$method;"
  if [ "$method" = round_robin ]; then directive=""; fi
  upstream="upstream app { $directive $servers }"
  if [ $kind = http ]; then
    write_config "$method" "$upstream
      server { listen 127.0.0.1:$port; location / { proxy_pass http://app; } }"
  else
    write_config "$method" "" "stream { $upstream server { listen 127.0.0.1:$port; proxy_pass app; } }"
  fi
  a=$(count "$method" "$few")
  b=$(count "$method" "$many")
  cost=$(((b - a) / (many - few)))
  echo "$method: $cost instructions per $([ $kind = http ] && echo request || echo session)"
  declare "cost_$method=$cost"
done
# They are set by declare above.
# shellcheck disable=SC2154
awk -v a="$cost_leastwise" -v b="$cost_round_robin" -v c="$cost_least_conn" -v base="$base" -v limit="$limit" 'BEGIN {
  printf "ratio to round_robin: %.4f, to least_conn: %.4f (to %s at most %s)\n", a / b, a / c, base, limit
  exit a / (base == "least_conn" ? c : b) > limit
}'
