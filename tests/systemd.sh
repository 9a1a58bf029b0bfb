#!/usr/bin/env bash
# Installs into an empty tree and asks systemd what it thinks of the units there:
# that they are sound, and how much a node that was taken over could reach.
# Ends with "N passed, N failed".
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

. tests/tally.sh

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
make --no-print-directory install DESTDIR="$tree" PREFIX=/usr BUILD="${1:-build}" >/dev/null || exit 1
units=$tree/usr/lib/systemd/system

# Only what it says of our files counts: the tree has nothing else.
verified() {
  local said
  install -D /bin/kill "$tree/usr/bin/kill" # it is called there, and is no file of ours
  said=$(systemd-analyze verify --man=no --root="$tree" crosstalkd.service crosstalkd.socket 2>&1 | grep -E '^crosstalkd\.|crosstalkd\.(service|socket):[0-9]*:')
  said=$(grep -vE 'Failed to (add|create) dependency|Unit .* not found' <<<"$said")
  rm -r "$tree/usr/bin/kill"
  [ -z "$said" ] || printf '%s\n' "$said"
  [ -z "$said" ]
}
exposure() {
  local said
  said=$(systemd-analyze security --offline=true --no-pager "$units/crosstalkd.service" | sed -nE 's/.*exposure level for [^:]*: ([0-9.]+).*/\1/p')
  printf '  exposure %s\n' "$said"
  awk -v said="$said" 'BEGIN { exit !(said != "" && said <= 1.5) }'
}
runs() { "$tree/usr/sbin/crosstalkd" --config "$tree/etc/crosstalk/crosstalkd.toml" --check-config >/dev/null; }
# A second time the operator's settings stay.
keeps_settings() {
  printf '[node]\nname = "mine"\n' >"$tree/etc/crosstalk/crosstalkd.toml"
  make --no-print-directory install DESTDIR="$tree" PREFIX=/usr BUILD="${1:-build}" >/dev/null &&
    grep -q mine "$tree/etc/crosstalk/crosstalkd.toml" && [ -e "$tree/etc/crosstalk/crosstalkd.toml.new" ]
}
leaves_nothing() {
  make --no-print-directory uninstall DESTDIR="$tree" PREFIX=/usr BUILD="${1:-build}" >/dev/null
  [ "$(cd "$tree" && find . -type f | sort | tr '\n' ' ')" = './etc/crosstalk/crosstalkd.toml ' ]
}

check 'the installed program runs' runs
check 'systemd verifies the units' verified
check 'an exposure of 1.5 or less' exposure
check 'the settings are kept' keeps_settings "${1:-build}"
check 'uninstall leaves the settings alone there' leaves_nothing "${1:-build}"

tally_up
