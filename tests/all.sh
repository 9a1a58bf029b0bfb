#!/usr/bin/env bash
# Runs the named kinds of tests on the programs in a build folder, says which
# failed, and ends with one line for all: "N passed, N failed".
#   all.sh BUILD KIND…       kinds: unit sim live docs layers
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

build=$1
shift
passed=0
failed=0

# Adds what a suite printed of itself as its last such line.
count() {
  local line
  line=$(grep -oE '[0-9]+ passed, [0-9]+ failed' "$1" | tail -n 1)
  passed=$((passed + $(sed -nE 's/^([0-9]+) passed.*/\1/p' <<<"$line" | grep . || echo 0)))
  failed=$((failed + $(sed -nE 's/.* ([0-9]+) failed$/\1/p' <<<"$line" | grep . || echo 0)))
}

# suite COMMAND…: one that prints "N passed, N failed" itself.
suite() {
  local out status
  out=$(mktemp)
  "$@" 2>&1 | tee "$out"
  status=${PIPESTATUS[0]}
  count "$out"
  # One that died without a verdict counts as a failure of its own.
  [ "$status" = 0 ] || grep -qE '[1-9][0-9]* failed' "$out" || failed=$((failed + 1))
  rm -f "$out"
}

# Side by side, as many wait for real events; not all at once, as some don't and
# each has its deadline.
unit() {
  local out test checks bad status
  out=$(mktemp -d)
  for test in "$build"/unit/*_test; do
    [ "$(jobs -rp | wc -l)" -lt 8 ] || wait -n
    {
      "$test" >"$out/$(basename "$test").out" 2>&1
      echo $? >"$out/$(basename "$test").status"
    } &
  done
  wait
  for test in "$out"/*.out; do
    status=$(cat "${test%.out}.status")
    checks=$(sed -nE 's/.*Checks: ([0-9]+), .*/\1/p' "$test")
    bad=$(sed -nE 's/.*Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2/p' "$test" | awk '{ print $1 + $2 }')
    [ "$status" = 0 ] || [ "${bad:-0}" != 0 ] || bad=1
    printf '  %-18s %3d tests%s\n' "$(basename "$test" .out)" "${checks:-0}" "$([ "${bad:-0}" = 0 ] || echo ", $bad FAILED")"
    [ "${bad:-0}" = 0 ] || cat "$test"
    passed=$((passed + ${checks:-0} - ${bad:-0}))
    failed=$((failed + ${bad:-0}))
  done
  rm -rf "$out"
}

for kind in "$@"; do
  printf '== %s\n' "$kind"
  case $kind in
    unit) unit ;;
    sim) suite "$build/sim" --seeds "${SIM_SEEDS:-600}" ;;
    live) CROSSTALKD=$build/crosstalkd suite python3 tests/live/run.py ;;
    docs) CROSSTALKD=$build/crosstalkd suite python3 tests/docs.py ;;
    layers) suite bash tests/layers.sh ;;
    *)
      printf 'no such kind of test: %s\n' "$kind" >&2
      exit 2
      ;;
  esac
done

printf '== all\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
