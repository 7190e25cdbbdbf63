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
failures=() unsteady=()
declare -A ahead=()  # what is compiled for later stages: the process

note() { printf '\n==== %s (%s)\n' "$*" "$(date +%H:%M:%S)"; }

# count NAME STATUS: a stage that is one test by itself.
count() {
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); failures+=("$1"); fi
}

# results JUNIT [AGAIN]: "PASSED FAILED SKIPPED", then a line "failed NAME" or "unsteady NAME" each.
results() {
  python3 - "$@" <<'PY'
import sys
import xml.etree.ElementTree as tree

def named(path, status):
    return [c.get("name") for c in tree.parse(path).getroot().iter("testcase") if c.get("status") == status]

suite = tree.parse(sys.argv[1]).getroot()
total, skipped = int(suite.get("tests")), int(suite.get("skipped")) + int(suite.get("disabled"))
failed = named(sys.argv[1], "fail")
unsteady = [n for n in failed if n in named(sys.argv[2], "run")] if len(sys.argv) > 2 else []
failed = [n for n in failed if n not in unsteady]
print(total - len(failed) - skipped, len(failed), skipped)
for name in failed:
    print("failed", name)
for name in unsteady:
    print("unsteady", name)
PY
}

# ctest_to JUNIT PRESET ARGUMENTS…
ctest_to() {
  local junit=$1 preset=$2
  shift 2
  rm -f "$junit"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --output-junit "$junit" \
    "$@" | grep -Ev '^ *(Start +[0-9]|[0-9]+/[0-9]+ .* Passed )'
}

# run_ctest [--again] PRESET ARGUMENTS…: adds what CTest counted. --again is for real servers, which
# others on the machine may disturb: what failed runs twice more when nothing is compiled beside it,
# and who passes both counts as passed, but is named at the end as unsteady (CONTRIBUTING.md).
run_ctest() {
  local may_repeat=
  if [ "$1" = --again ]; then may_repeat=yes; shift; fi
  local junit=$root/build/$1/junit.xml again=$root/build/$1/again.xml files kind name p f s
  ctest_to "$junit" "$@"
  if [ ! -s "$junit" ]; then count "$1: no test ran" 1; return; fi
  files=("$junit")
  if [ -n "$may_repeat" ] && results "$junit" | grep -q '^failed'; then
    wait
    note "what failed, twice more"
    ctest_to "$again" "$1" --rerun-failed --repeat until-fail:2
    [ -s "$again" ] && files+=("$again")
  fi
  while read -r kind name; do
    case $kind in
      failed) failures+=("$1: $name") ;;
      unsteady) unsteady+=("$1: $name") ;;
      *) read -r p f s <<< "$kind $name" ;;
    esac
  done < <(results "${files[@]}")
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
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
# The quick tests side by side; what starts servers or measures, one at a time.
stage_dev() {
  build release || return
  note unit, fuzz corpora, package
  run_ctest release --parallel "$jobs" --label-regex '^(unit|fuzz|package)$'
  build_ahead
  note integration and simulator
  run_ctest --again release --label-regex '^(integration|sim)$'
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
  run_ctest --again asan --label-regex '^asan-module$'
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
for name in "${unsteady[@]}"; do echo "UNSTEADY $name: failed once, then passed twice"; done
for name in "${failures[@]}"; do echo "FAILED $name"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
