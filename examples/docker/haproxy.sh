#!/bin/sh
# HAProxy, with the agent beside it: an agent that ends begins again, and HAProxy serves on meanwhile.
set -eu
mkdir -p /run/haproxy /run/leastwise /var/lib/leastwise
while :; do
  leastwise-spoa -c /etc/leastwise/leastwise.conf || true
  sleep 1
done &
exec haproxy -W -db -f /etc/haproxy/haproxy.cfg
