# Sourced by checks that are scripts: counts what holds and says what does not.
# At the end of such a script stands tally_up.
# shellcheck shell=bash

passed=0
failed=0

# check WHAT COMMAND…
check() {
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    printf '  %s: no\n' "$what"
    failed=$((failed + 1))
  fi
}

tally_up() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}
