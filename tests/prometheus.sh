#!/usr/bin/env bash
# Are the alert rules, the example for Prometheus and Grafana's dashboard sound?
# promtool judges the rules, runs their tests and tries the dashboard's queries;
# what they name must be in the manual. Ends with "N passed, N failed".
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

. tests/tally.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rules=conf/prometheus/crosstalk.rules.yml
tests=tests/prometheus/crosstalk_test.yml
dashboard=conf/grafana/crosstalk.json
look() { python3 tests/prometheus/look.py "$@"; }

# Prints what it says only where it does not like something.
promtool_likes() { promtool "$@" >"$work/said" 2>&1 || { cat "$work/said" && false; }; }
queries_answer() {
  look queries "$dashboard" "$work" && promtool_likes check rules "$work/queries.yml" &&
    promtool_likes test rules "$work/queries_test.yml"
}

check 'the rules are well-formed' promtool_likes check rules "$rules"
check 'the example is well-formed' promtool_likes check config conf/prometheus/prometheus.yml
check 'the rules do what their tests say' promtool_likes test rules "$tests"
check 'every alert is complete' look alerts "$rules" "$tests"
check 'every metric of the rules is in the manual' look metrics "$rules"
check 'the dashboard is valid JSON' python3 -m json.tool "$dashboard" /dev/null
check 'the dashboard can be imported' look dashboard "$dashboard"
check 'every metric of the dashboard is in the manual' look metrics "$dashboard"
check 'every query of the dashboard answers' queries_answer

tally_up
