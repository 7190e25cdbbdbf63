#!/usr/bin/env bash
# What tests/packages/systemd.sh does once systemd has booted: HAProxy as Debian has it, the agent as its
# package installs it. The exit status of the container tells how it went.
set -uo pipefail

agent=leastwise-spoa.service
status=http://127.0.0.1:9878/status
failed=0

say() { printf '%s\n' "$*"; }
check() { # NAME COMMAND…
  local name=$1
  shift
  if "$@" > /tmp/out 2>&1; then say "ok: $name"; else say "FAILED: $name: $(tail -n 3 /tmp/out)"; failed=1; fi
}
is() { [ "$1" = "$2" ] || { echo "expected $2, found $1"; return 1; }; }
of_unit() { systemctl show --property "$1" --value "$agent"; }
of_process() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(of_unit MainPID)/status"; }
picks() { curl -s "$status" | python3 -c 'import json,sys; print(sum(p["leastwise"]["picks"] for p in json.load(sys.stdin)["upstreams"]["app"]["peers"]))'; }
# wait_for SECONDS COMMAND…
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done
}
is_asked() { local before; before=$(picks) && curl -sf http://127.0.0.1/ > /dev/null && [ "$(picks)" -gt "$before" ]; }
# ask N: that many requests, each of which is to be answered.
ask() {
  local i
  for ((i = 0; i < $1; i++)); do curl -sf --max-time 5 http://127.0.0.1/ > /dev/null || { echo "request $i failed"; return 1; }; done
}
# Asked until the file is there; what failed is counted in /tmp/lost.
ask_until() {
  local lost=0 asked=0
  until [ -e "$1" ]; do asked=$((asked + 1)); curl -sf --max-time 5 http://127.0.0.1/ > /dev/null || lost=$((lost + 1)); done
  echo "$asked requests, $lost failed"
  [ $lost -eq 0 ]
}

adopt() {
  cat >> /etc/haproxy/haproxy.cfg <<'END'

frontend web
    bind 127.0.0.1:80
    default_backend app

backend app
    balance roundrobin
    server s1 127.0.0.1:8001 check
    server s2 127.0.0.1:8002 check

listen s1
    bind 127.0.0.1:8001
    http-request return status 200 content-type text/plain string one
listen s2
    bind 127.0.0.1:8002
    http-request return status 200 content-type text/plain string two
END
  leastwise-spoa --haproxy-config app --haproxy-cfg /etc/haproxy/haproxy.cfg > /tmp/printed || return
  PYTHONPATH=/source/tests/integration/agent python3 - <<'PY'
from printed import Printed
printed = Printed(open("/tmp/printed").read())
text = open("/etc/haproxy/haproxy.cfg").read()
with open("/etc/haproxy/haproxy.cfg", "w") as f:
    f.write(printed.paste(text.replace("\t", "    ").replace("\n        ", "\n    ")))
with open("/etc/haproxy/leastwise.spoe.conf", "w") as f:
    f.write(printed.parts["leastwise.spoe.conf"][0])
# The package's leastwise.conf listens where HAProxy can not see it from its chroot.
own = open("/etc/leastwise/leastwise.conf").read()
old = None
for line in "".join(printed.parts["leastwise.conf"]).splitlines():
    if line.startswith("# instead of: "):
        old = line.removeprefix("# instead of: ")
        assert old in own, old
    elif old:
        own, old = own.replace(old, line), None
    else:
        own += line + "\n"
with open("/etc/leastwise/leastwise.conf", "w") as f:
    f.write(own)
PY
  haproxy -c -f /etc/haproxy/haproxy.cfg
}

runs() {
  check "what is printed is pasted into Debian's haproxy.cfg" adopt
  check "start returns once the agent listens" systemctl start "$agent"
  check "it listens then" eval 'exec 3<> /dev/tcp/127.0.0.1/9876'
  check "HAProxy takes its new configuration" systemctl restart haproxy
  check "HAProxy asks the agent" wait_for 10 is_asked
  local before
  before=$(picks)
  check "100 requests" ask 100
  check "each was picked by the agent" is "$(picks)" $((before + 100))
  check "systemctl status tells how many servers are known" grep -q "servers: 2" <<< "$(of_unit StatusText)"
}

is_shut_in() {
  check "it is not root" test "$(of_process Uid | cut -f1)" -ne 0
  check "it is in HAProxy's group" is "$(of_process Gid | cut -f1)" "$(getent group haproxy | cut -d: -f3)"
  check "it has no capability" is "$(of_process CapEff)$(of_process CapBnd)" 00000000000000000000000000000000
  check "system calls are filtered" is "$(of_process Seccomp)" 2
  check "it gains no privileges" is "$(of_process NoNewPrivs)" 1
  say "systemd-analyze: $(systemd-analyze security --no-pager "$agent" 2> /dev/null | tail -n 1)"
}

reloads() {
  cp /etc/leastwise/leastwise.conf /tmp/good
  sed -i 's/policy adaptive/policy fastest/' /etc/leastwise/leastwise.conf
  check "a reload of a bad file fails" eval '! systemctl reload '"$agent"
  check "the agent goes on" is_asked
  sed 's/policy adaptive/policy least_conn/' /tmp/good > /etc/leastwise/leastwise.conf
  check "a reload of a good file" systemctl reload "$agent"
  check "the new policy is used" grep -q '"policy":"least_conn"' <<< "$(curl -s "$status")"
  cp /tmp/good /etc/leastwise/leastwise.conf
  check "and back" systemctl reload "$agent"
}

restarts() {
  local before pid
  before=$(picks)
  ask_until /tmp/stop > /tmp/asked &
  pid=$!
  check "restart" systemctl restart "$agent"
  check "it is asked again" wait_for 10 is_asked
  check "what was counted was kept" test "$(picks)" -ge "$before"
  before=$(of_unit MainPID)
  kill -STOP "$before"
  local frozen=$SECONDS
  check "an agent that hangs is started again by the watchdog" wait_for 30 eval '[ "$(of_unit MainPID)" != '"$before"' ] && [ "$(of_unit ActiveState)" = active ]'
  say "after $((SECONDS - frozen)) s (WatchdogSec=10)"
  check "it is asked again" wait_for 10 is_asked
  kill -KILL "$(of_unit MainPID)"
  check "an agent that was killed is asked again" wait_for 10 is_asked
  touch /tmp/stop
  check "nobody noticed" wait "$pid"
  say "$(cat /tmp/asked)"
}

# As leastwise-spoa.socket says.
by_socket() {
  systemctl stop "$agent"
  sed -i 's#listen 127.0.0.1:9876;#listen unix:/var/lib/haproxy/run/leastwise/spoa.sock;#' /etc/leastwise/leastwise.conf
  sed -i 's#server agent 127.0.0.1:9876#server agent unix@/run/leastwise/spoa.sock#' /etc/haproxy/haproxy.cfg
  check "the socket in HAProxy's chroot" systemctl start leastwise-spoa.socket
  check "HAProxy starts before the agent" systemctl restart haproxy
  check "the agent is started by the first who asks" wait_for 10 is_asked
  rm -f /tmp/stop
  ask_until /tmp/stop > /tmp/asked &
  local pid=$!
  for _ in 1 2 3; do systemctl restart "$agent"; sleep 1; done
  touch /tmp/stop
  check "three restarts that nobody noticed" wait "$pid"
  say "$(cat /tmp/asked)"
  check "stop" systemctl stop leastwise-spoa.socket "$agent"
}

runs
is_shut_in
reloads
restarts
by_socket
say "journal:"
journalctl --no-pager -u "$agent" -p warning -o cat | sort | uniq -c | sort -rn | head -n 20
systemctl exit $((failed))
