#!/usr/bin/env bash
# Installs or removes what the Makefile names: programs, manual pages, settings,
# systemd units. Called by make install and make uninstall, which set the paths.
#   install.sh install|uninstall BUILD
# PREFIX, SBINDIR, BINDIR, MANDIR, DATADIR, SYSCONFDIR, UNITDIR, SYSUSERSDIR: see the
# Makefile; DESTDIR before them all.
set -eu -o pipefail
cd "$(dirname "$0")/.."

action=$1
build=$2
sbin=(crosstalkd)
bin=()
for program in crosstalk cluster-peek crosstalk-bench; do
  [ ! -e "$build/$program" ] || bin+=("$program")
done

put() {
  local mode=$1 from=$2 to=$DESTDIR$3
  install -D -m "$mode" "$from" "$to"
  printf '  %s\n' "$to"
}

# With the paths that hold here.
put_unit() {
  local filled
  filled=$(mktemp)
  sed -e "s,@SBINDIR@,$SBINDIR,g" -e "s,@SYSCONFDIR@,$SYSCONFDIR,g" "$1" >"$filled"
  put 644 "$filled" "$2"
  rm -f "$filled"
}

# For whoever watches the nodes: rules, an example, a dashboard.
watching=(prometheus/crosstalk.rules.yml prometheus/prometheus.yml grafana/crosstalk.json)

pages() { find man -name '*.[1-8]' | sort; }
page_home() { printf '%s/man%s/%s' "$MANDIR" "${1##*.}" "$(basename "$1")"; }

case $action in
  install)
    for program in "${sbin[@]}"; do put 755 "$build/$program" "$SBINDIR/$program"; done
    for program in "${bin[@]}"; do put 755 "$build/$program" "$BINDIR/$program"; done
    for page in $(pages); do put 644 "$page" "$(page_home "$page")"; done
    for file in "${watching[@]}"; do put 644 "conf/$file" "$DATADIR/$file"; done
    put_unit conf/systemd/crosstalkd.service.in "$UNITDIR/crosstalkd.service"
    put 644 conf/systemd/crosstalkd.socket "$UNITDIR/crosstalkd.socket"
    put 644 conf/systemd/crosstalk.sysusers "$SYSUSERSDIR/crosstalk.conf"
    # Settings that somebody has changed stay; the new defaults lie beside them.
    settings=$SYSCONFDIR/crosstalk/crosstalkd.toml
    if [ -e "$DESTDIR$settings" ] && ! cmp -s conf/crosstalkd.toml "$DESTDIR$settings"; then
      put 644 conf/crosstalkd.toml "$settings.new"
    else
      put 644 conf/crosstalkd.toml "$settings"
    fi
    ;;
  uninstall)
    for program in "${sbin[@]}"; do rm -f "$DESTDIR$SBINDIR/$program"; done
    for program in crosstalk cluster-peek crosstalk-bench; do rm -f "$DESTDIR$BINDIR/$program"; done
    for page in $(pages); do rm -f "$DESTDIR$(page_home "$page")"; done
    for file in "${watching[@]}"; do rm -f "$DESTDIR$DATADIR/$file"; done
    rm -f "$DESTDIR$UNITDIR/crosstalkd.service" "$DESTDIR$UNITDIR/crosstalkd.socket" "$DESTDIR$SYSUSERSDIR/crosstalk.conf" \
      "$DESTDIR$SYSCONFDIR/crosstalk/crosstalkd.toml.new"
    # The settings are the operator's.
    printf '  left: %s\n' "$DESTDIR$SYSCONFDIR/crosstalk"
    ;;
  *)
    printf 'install.sh install|uninstall BUILD\n' >&2
    exit 2
    ;;
esac
