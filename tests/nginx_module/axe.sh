#!/usr/bin/env bash
# Has axe-core look at the live page, in light, dark and on a phone, and at the buttons of control, for faults that keep people with
# a keyboard, a screen reader or weak eyes out. Gets axe-core from npm, so it is no part of
# tests/run.sh.
#   axe.sh [BUILD]      BUILD: where cmake built the module, build/release if not said
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:-$here/../../build/release}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-save --no-audit --no-fund --prefix "$folder" axe-core@4
cd "$here"
export PYTHONPATH=. LEASTWISE_NGINX_MODULE=$build/nginx_module/ngx_http_leastwise_module.so \
  LEASTWISE_AXE=$folder/node_modules/axe-core/axe.min.js
/usr/bin/python3 http/page_test.py -v Page.test_axe_finds_no_serious_fault
/usr/bin/python3 http/page_control_test.py -v PageControl.test_axe_finds_no_serious_fault_of_the_buttons
