#!/usr/bin/env bash
# Builds and tests everything that can run on one Debian machine: installs what it needs,
# then unit tests, integration tests with the real nginx and HAProxy, fuzz corpora, the
# package, the simulator's quick suite, sanitizers, and the module under ASan in nginx.
# Ends with a plain count, and with exit status 0 only if nothing failed.
#
#   tests/run.sh            everything
#   tests/run.sh dev asan   only these stages: lint, dev, module-asan, kubernetes, asan, tsan
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(lint dev module-asan kubernetes asan tsan)
jobs=$(nproc)
passed=0 failed=0 skipped=0
failures=()
declare -A ahead=()  # what is compiled for later stages: the process

note() { printf '\n==== %s (%s)\n' "$*" "$(date +%H:%M:%S)"; }

# count NAME STATUS: a stage that is one test by itself.
count() {
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); failures+=("$1"); fi
}

# count_junit PRESET FILE: adds what CTest counted.
count_junit() {
  local p f s name counted
  if [ ! -s "$2" ]; then count "$1: no test ran" 1; return; fi
  counted=$(python3 - "$2" <<'PY'
import sys
import xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()
total, failed = int(suite.get("tests")), int(suite.get("failures"))
skipped = int(suite.get("skipped")) + int(suite.get("disabled"))
print(total - failed - skipped, failed, skipped)
for case in suite.iter("testcase"):
    if case.get("status") == "fail":
        print(case.get("name"))
PY
)
  read -r p f s <<< "$(head -n 1 <<< "$counted")"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  while read -r name; do
    [ -n "$name" ] && failures+=("$1: $name")
  done <<< "$(tail -n +2 <<< "$counted")"
}

# call_ctest PRESET FILE ARGUMENTS…: tells what failed; results go into the file, as JUnit has them.
call_ctest() {
  local preset=$1 junit=$2
  shift 2
  rm -f "$junit"
  "${apart[@]}" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --output-junit "$junit" \
    "$@" | grep -Ev '^ *(Start +[0-9]|[0-9]+/[0-9]+ .* Passed )'
}

run_ctest() {
  local junit=$root/build/$1/junit.xml apart=()
  call_ctest "$1" "$junit" "${@:2}"
  count_junit "$1" "$junit"
}

# A network and processes of their own for what is run. Their first process has to stay, to bury orphans.
isolated() {
  unshare --net --mount --pid --fork --kill-child --propagation private \
    sh -c 'mount -t proc proc /proc && ip link set lo up && "$@"; exit $?' sh "$@"
}

# Tests that start servers wait more than they work: every second one beside the others. They share ports, so two
# at a time need networks of their own; in a container that does not permit it they are run one at a time.
run_servers() {
  local junit=$root/build/$1/junit apart=(isolated)
  if ! isolated true 2> /dev/null; then
    echo "one at a time: unshare is not permitted here"
    run_ctest "$@"
    return
  fi
  call_ctest "$1" "$junit.1.xml" "${@:2}" --tests-information 1,,2 &
  local first=$!
  call_ctest "$1" "$junit.2.xml" "${@:2}" --tests-information 2,,2 > "build/$1/second_half.log" 2>&1
  wait "$first"
  cat "build/$1/second_half.log"
  count_junit "$1" "$junit.1.xml"
  count_junit "$1" "$junit.2.xml"
}

# build PRESET [CMAKE-ARGUMENTS…]
build() {
  local preset=$1
  shift
  note "build $preset"
  [ -z "${ahead[$preset]:-}" ] || wait "${ahead[$preset]}"
  cmake --preset "$preset" -G Ninja "$@" > "build/$preset.log" 2>&1 &&
    cmake --build "build/$preset" --parallel "$jobs" >> "build/$preset.log" 2>&1 && return
  tail -n 60 "build/$preset.log"
  count "build $preset" 1
  return 1
}

# Compiles for later stages while servers are tested, which wait more than they work, and only when
# nothing else wants a processor. What goes wrong is said when the stage builds what is missing.
build_ahead() {
  local preset before=
  for preset in asan tsan; do
    [[ " ${stages[*]} " == *"$preset "* ]] || continue
    {
      [ -z "$before" ] || tail --pid="$before" -f /dev/null
      chrt --idle 0 cmake --preset "$preset" -G Ninja
      chrt --idle 0 cmake --build "build/$preset" --parallel "$jobs"
    } > "build/ahead.$preset.log" 2>&1 &
    before=$! ahead[$preset]=$!
  done
}

stage_lint() {
  note lint
  git ls-files '*.sh' .ci | xargs -r shellcheck --severity=warning --external-sources
  count shellcheck $?
}
# The quick tests side by side; what starts servers, as run_servers() has it.
stage_dev() {
  build release || return
  note unit, fuzz corpora, package
  run_ctest release --parallel "$jobs" --label-regex '^(unit|fuzz|package)$'
  build_ahead
  note integration and simulator
  run_servers release --label-regex '^(integration|sim)$'
}
# A real kube-apiserver takes too long to be made here.
stage_kubernetes() {
  note the companion with a real kube-apiserver
  if ! tests/kubernetes/build.sh --there; then
    echo "skipped: no kube-apiserver is there; tests/kubernetes/run.sh makes one, once, and runs this stage"
    skipped=$((skipped + 1))
    return
  fi
  tests/kubernetes/run.sh > build/kubernetes.log 2>&1
  local status=$?
  [ $status -eq 0 ] || tail -n 60 build/kubernetes.log
  count "real kube-apiserver" $status
}
stage_asan() {
  build asan || return
  note unit and fuzz corpora with address and undefined behaviour sanitizers
  run_ctest asan --parallel "$jobs" --label-regex '^(unit|fuzz)$'
}
stage_tsan() {
  build tsan || return
  note unit tests of core and agent with the thread sanitizer
  run_ctest tsan --parallel "$jobs" --label-regex '^unit$' --tests-regex '^(core|spoe_agent)'
}
stage_module_asan() {
  build asan || return
  note the modules with sanitizers in the packaged nginx
  run_servers asan --label-regex '^asan-module$'
}

mkdir -p build
.ci/install tests || exit 1
for stage in "${stages[@]}"; do
  case $stage in
    lint) stage_lint ;;
    dev) stage_dev ;;
    kubernetes) stage_kubernetes ;;
    asan) stage_asan ;;
    tsan) stage_tsan ;;
    module-asan) stage_module_asan ;;
    *) echo "no such stage: $stage" >&2; exit 2 ;;
  esac
done

note the end
for name in "${failures[@]}"; do echo "FAILED $name"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
