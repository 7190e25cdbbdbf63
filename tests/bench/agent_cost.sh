#!/bin/bash
# What an SPOP agent costs: leastwise-spoa against any other, alternated in one run.
#
#   agent_cost.sh BUILD_DIR [OTHER_COMMAND...]
#
# In OTHER_COMMAND @SOCKET@ is the unix socket to listen on, @FEEDBACK@ the UDP port of log lines,
# @SERVERS@ the comma-separated names of the eight servers. OTHER_MESSAGE names its SPOE message
# (leastwise-pick), OTHER_PREFIX the variables it sets (leastwise), OTHER_MAGIC the first word of
# its log lines (leastwise).
#
# Printed, medians of REPEAT runs: round trip of one synthetic client; CPU of the agent per question
# of 32 synthetic clients, and of 8 that pipeline; and CPU of the agent per request of 32 clients of a real HAProxy, log
# lines included. Ports 21000 to 21020 on 127.0.0.1; takes about a minute.
set -euo pipefail

if [ $# -lt 1 ]; then
  sed -n '2,15s/^# \{0,1\}//p' "$0"
  exit 2
fi
build=$1
shift
other=("$@")
repeat=${REPEAT:-3}
seconds=${SECONDS_EACH:-3}
message=${OTHER_MESSAGE:-leastwise-pick}
prefix=${OTHER_PREFIX:-leastwise}
magic=${OTHER_MAGIC:-leastwise}
root=$(cd "$(dirname "$0")/../.." && pwd)
spop_load=$(find "$build" -name spop_load -type f -perm -u+x | head -1)
agent=$build/spoe_agent/leastwise-spoa
load=$build/tests/bench/leastwise-load
backends=$build/tests/bench/leastwise-backends
servers=s1,s2,s3,s4,s5,s6,s7,s8
work=$(mktemp -d)
pids=()

finish() {
  for pid in "${pids[@]}"; do kill -9 "$pid" 2> /dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

start() { # NAME COMMAND...: leaves its pid in $started
  local name=$1
  shift
  "$@" > "$work/$name.log" 2>&1 &
  started=$!
  disown "$started"  # bash would report its end
  pids+=("$started")
}

# Clock ticks of CPU time, of 10 ms.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
field() { sed "s/.*\"$1\":\([0-9.]*\).*/\1/"; }

write_haproxy() { # SIDE WEB_PORT MESSAGE PREFIX MAGIC FEEDBACK_PORT
  local side=$1 folder=$work/$1
  mkdir -p "$folder"
  "$agent" --generate-spoe app --servers "$servers" |
    sed "s/leastwise-pick/$3/; s/option var-prefix leastwise/option var-prefix $4/
         s/register-var-names srv srv2/& tok/; s/txn\.leastwise/txn.$4/" > "$folder/leastwise.spoe.conf"
  sed "s#/run/haproxy/#$folder/#; s#/etc/haproxy/#$folder/#; s#/run/leastwise/#$folder/#
       s#bind :80#bind 127.0.0.1:$2#; s#127.0.0.1:9877#127.0.0.1:$6#
       s#leastwise id=#$5 id=#; s#txn\.leastwise#txn.$4#g; /server s[123] /d
       s#^global#&\n    nbthread 1#" "$root/examples/haproxy/haproxy.cfg" > "$folder/haproxy.cfg"
  for i in 1 2 3 4 5 6 7 8; do
    sed -i "/use-server.*srv2/a\\    server s$i 127.0.0.1:$((21010 + i))" "$folder/haproxy.cfg"
  done
  start "haproxy-$side" /usr/sbin/haproxy -db -f "$folder/haproxy.cfg"
}

start_ours() {
  sed "s#/run/haproxy/#$work/ours/#; s#/run/leastwise/#$work/ours/#
       s#9877#21002#; s#9878#21003#; /^state/d" "$root/examples/haproxy/leastwise.conf" \
    > "$work/leastwise.conf"
  start ours "$agent" -c "$work/leastwise.conf"
  ours_pid=$started
}

start_other() {
  local command=()
  for word in "${other[@]}"; do
    word=${word//@SOCKET@/$work/other/spoa.sock}
    word=${word//@FEEDBACK@/21004}
    command+=("${word//@SERVERS@/$servers}")
  done
  start other "${command[@]}"
  other_pid=$started
}

ask() { # SIDE MESSAGE CONNECTIONS [OPTIONS...]
  "$spop_load" --agent "unix:$work/$1/spoa.sock" --message "$2" --servers "$servers" \
    --connections "$3" --seconds "$seconds" "${@:4}"
}

# Both write a line "WHAT SIDE FIGURE".
through_haproxy() { # SIDE PID WEB_PORT
  local before
  before=$(ticks "$2")
  "$load" --port "$3" --connections 32 --seconds "$seconds" --max-lag 5000 --json > "$work/answer"
  echo "haproxy_cpu_us $1 $(cpu "$before" "$2" "$(python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))["all"]["requests"])' "$work/answer")")"
}

synthetic() { # SIDE PID MESSAGE
  local before answers
  echo "round_trip_us $1 $(ask "$1" "$3" 1 | field p50_us)"
  before=$(ticks "$2")
  ask "$1" "$3" 32 > "$work/answer"
  answers=$(field answers < "$work/answer")
  if [ "$(field named < "$work/answer")" != "$answers" ]; then
    echo "$1 did not name a server each time: $(cat "$work/answer")" >&2
    exit 1
  fi
  echo "synthetic_cpu_us $1 $(cpu "$before" "$2" "$answers")"
  before=$(ticks "$2")
  ask "$1" "$3" 8 --window 20 > "$work/answer"
  echo "pipelined_cpu_us $1 $(cpu "$before" "$2" "$(field answers < "$work/answer")")"
}

cpu() { # BEFORE PID COUNT: microseconds each
  awk -v before="$1" -v after="$(ticks "$2")" -v n="$3" \
    'BEGIN { printf "%.3f", (after - before) * 10000 / n }'
}

row() { # WHAT TEXT
  local ours theirs=
  ours=$(awk -v w="$1" '$1 == w && $2 == "ours" { print $3 }' "$work/figures" | median)
  printf '%-52s %8.2f' "$2" "$ours"
  if [ ${#other[@]} -gt 0 ]; then
    theirs=$(awk -v w="$1" '$1 == w && $2 == "other" { print $3 }' "$work/figures" | median)
    printf ' %8.2f %7.2f' "$theirs" "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { print a / b }')"
  fi
  echo
}

{
  echo '{"paths": {"/": 0}, "servers": ['
  for i in 1 2 3 4 5 6 7; do echo "{\"name\": \"s$i\", \"port\": $((21010 + i))},"; done
  echo '{"name": "s8", "port": 21018}]}'
} > "$work/backends.json"
start backends "$backends" "$work/backends.json"
write_haproxy ours 21000 leastwise-pick leastwise leastwise 21002
start_ours
if [ ${#other[@]} -gt 0 ]; then
  write_haproxy other 21001 "$message" "$prefix" "$magic" 21004
  start_other
fi
sleep 2

# HAProxy first: the synthetic questions have no log lines, and would fill the agents' tables.
{
  for ((i = 0; i < repeat; ++i)); do
    through_haproxy ours "$ours_pid" 21000
    if [ ${#other[@]} -gt 0 ]; then through_haproxy other "$other_pid" 21001; fi
  done
  for ((i = 0; i < repeat; ++i)); do
    synthetic ours "$ours_pid" leastwise-pick
    if [ ${#other[@]} -gt 0 ]; then synthetic other "$other_pid" "$message"; fi
  done
} > "$work/figures"

printf '%-52s %8s %8s %7s\n' "" leastwise other ratio
row round_trip_us "round trip, one client, p50, us"
row synthetic_cpu_us "CPU of the agent per question, 32 clients, us"
row pipelined_cpu_us "of 8 that ask 20 at once, us"
row haproxy_cpu_us "the same through HAProxy, with log lines, us"
