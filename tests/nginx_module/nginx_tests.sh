#!/usr/bin/env bash
# nginx's own tests (github.com/nginx/nginx-tests) with `leastwise least_conn;` in each upstream that names no
# method: what passes with `least_conn;` there has to pass with it. LEASTWISE_METHOD is another in its place:
# with `leastwise` those fail, too, that ask which of unequal servers is chosen.
#
#   nginx_tests.sh FOLDER [TEST.t…]     FOLDER is a checkout; default: all tests that have an upstream
#
# The modules are those of LEASTWISE_NGINX_MODULE and LEASTWISE_NGINX_STREAM_MODULE, the nginx is
# LEASTWISE_NGINX (default /usr/sbin/nginx), its stream module LEASTWISE_NGINX_STREAM. What an nginx lacks its tests
# skip by themselves. Ends with what differs, and with exit status 1 if anything does.
set -euo pipefail

die() { printf 'nginx_tests.sh: %s\n' "$*" >&2; exit 2; }
[ -e "${1:-}/lib/Test/Nginx.pm" ] ||
  die "expected the folder of a checkout of github.com/nginx/nginx-tests"
command -v prove > /dev/null || die "needs prove. Run: apt-get install perl"
folder=$(realpath "$1")
shift
http=$(realpath "${LEASTWISE_NGINX_MODULE:?is the http module}")
stream=$(realpath "${LEASTWISE_NGINX_STREAM_MODULE:?is the stream module}")
export TEST_NGINX_BINARY=${LEASTWISE_NGINX:-/usr/sbin/nginx}
nginx_stream=${LEASTWISE_NGINX_STREAM:-/usr/lib/nginx/modules/ngx_stream_module.so}
export TEST_NGINX_GLOBALS="load_module $nginx_stream; load_module $http; load_module $stream;"
method=${LEASTWISE_METHOD:-leastwise least_conn}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
  mapfile -t tests < <(cd "$folder" && grep -lE '^\s*upstream\s+\S+\s*\{' -- *.t)
fi

# run_with METHOD: the names of the tests that failed, in $work/METHOD.
run_with() {
  local method=$1 tree="$work/tree_$1" name
  mkdir "$tree"
  cp -r "$folder/lib" "$tree/"
  # It loads all modules that nginx was configured with; Debian has them in packages of their own.
  # shellcheck disable=SC2016
  perl -pi -e 's/^(sub test_globals_modules\S* \{)$/$1 return "";/' "$tree/lib/Test/Nginx.pm"
  for name in "${tests[@]}"; do
    METHOD=$method perl -0pe 's/(^\s*upstream\s+\S+\s*\{)(?![^}]*\b(?:hash|ip_hash|random|least_conn|least_time)\b)/$1 $ENV{METHOD};/mg' \
      "$folder/$name" > "$tree/$name"
  done
  (cd "$tree" && TMPDIR=$work prove --jobs "$(nproc)" "${tests[@]}" > "$work/$method.log" 2>&1) || true
  sed -n 's/^\(\S*\.t\) *(Wstat.*/\1/p' "$work/$method.log" | sort > "$work/$method"
  printf '%s: %d of %d tests failed (%s)\n' "$method" "$(wc -l < "$work/$method")" "${#tests[@]}" \
    "$(tail -n 1 "$work/$method.log")"
}

"$TEST_NGINX_BINARY" -v
run_with least_conn
[ "$(wc -l < "$work/least_conn")" -lt $((${#tests[@]} / 4 + 1)) ] ||
  { head -n 40 "$work/least_conn.log"; die "most of them fail with least_conn already"; }
run_with "$method"
mapfile -t worse < <(comm -13 "$work/least_conn" "$work/$method")
[ ${#worse[@]} -gt 0 ] || { echo "none that passes with least_conn fails with $method"; exit; }
printf "passes with least_conn, fails with $method: %s\n" "${worse[@]}"
for name in "${worse[@]}"; do
  (cd "$work/tree_$method" && TMPDIR=$work prove -v "$name" 2>&1 | grep -A4 '^not ok\|Failed' | head -n 30) || true
done
exit 1
