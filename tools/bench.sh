#!/usr/bin/env bash
# Measures Crosstalk beside others on this machine, and prints a table with the ratios.
# Called by `make bench`; needs no root, and leaves nothing running.
#   bench.sh BUILD
# Each system is two servers joined on loopback (Redis is one), started afresh; senders
# are on the one, receivers on the other. All systems take turns, round by round, so that
# what else the machine does meanwhile hits all of them; the table has medians.
#   ROUNDS (3)  DURATION (5)  SESSIONS (10000)  RATE (5000)
#   SYSTEMS     some of "relay crosstalk redis nats"; those that are installed
# What was measured is left in BUILD/bench: results.jsonl, latency.svg.
set -u -o pipefail

build=${1:?usage: bench.sh BUILD}
rounds=${ROUNDS:-3}
duration=${DURATION:-5}
sessions=${SESSIONS:-10000}
rate=${RATE:-5000}
bench=$build/crosstalk-bench
out=$build/bench
dir=$(mktemp -d "${TMPDIR:-/tmp}/crosstalk-bench.XXXXXX")
pids=()
PATH=$PATH:/usr/sbin:$out/nats/usr/bin:$out/nats/usr/sbin

say() { printf '%s\n' "$*"; }
die() {
  say "$*" >&2
  exit 1
}

stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
  pids=()
}
clean_up() {
  trap - EXIT INT TERM
  stop
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'say; say "Stopping."; exit 130' INT TERM

# In a session of its own, so that Ctrl-C reaches this script alone; and gone with it.
start() {
  local log=$1
  shift
  setsid setpriv --pdeathsig TERM "$@" >"$dir/$log" 2>&1 &
  pids+=($!)
}

nap() { read -r -t 0.05 <> <(:); }

# Below those that the kernel gives to clients. Whether it is free is seen at the start.
any_port() { printf '%d' $((15000 + RANDOM % 15000)); }

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

all_run() { for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || return 1; done; }

# Each of these sets nodes, and proto; false where it did not come up: a port was taken.
start_relay() {
  proto=relay
  rm -f "$dir/relay.log"
  start relay.log "$bench" relay
  until [ -s "$dir/relay.log" ]; do
    all_run || return 1
    nap
  done
  nodes=$(sed -n 's/.*"nodes":"\([^"]*\)".*/\1/p' "$dir/relay.log")
  # The second process is the first one's child, and ends with it.
  watched=$(sed -n 's/.*"pids":"\([^"]*\)".*/\1/p' "$dir/relay.log")
}

start_crosstalk() {
  local one two n
  proto=crosstalk
  one=$(any_port)
  two=$(any_port)
  rm -f "$dir"/n?.ready
  for n in 1 2; do
    start n$n.log "$build/crosstalkd" --node n$n --listen 127.0.0.1:0 --http-listen 127.0.0.1:0 --redis none \
      --peer-listen "127.0.0.1:$([ $n = 1 ] && echo "$one" || echo "$two")" \
      --peers "n1@127.0.0.1:$one,n2@127.0.0.1:$two" --ready-file "$dir/n$n.ready"
  done
  until [ -e "$dir/n1.ready" ] && [ -e "$dir/n2.ready" ]; do
    all_run || return 1
    nap
  done
  nodes=$(cat "$dir/n1.ready" "$dir/n2.ready" | sed -n 's/.*"client":"\([^"]*\)".*/\1/p' | paste -sd,)
  watched=$(IFS=,; echo "${pids[*]}")
}

start_redis() {
  local port
  proto=redis
  port=$(any_port)
  start redis.log redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no --dir "$dir" \
    --protected-mode no --maxclients 200000 --client-output-buffer-limit 'pubsub 0 0 0'
  until answers "$port"; do
    all_run || return 1
    nap
  done
  nodes=127.0.0.1:$port
  watched=${pids[0]}
}

start_nats() {
  local client=() route=() n
  proto=nats
  for n in 0 1; do
    client[n]=$(any_port)
    route[n]=$(any_port)
  done
  for n in 0 1; do
    start nats$n.log nats-server -n "n$n" -a 127.0.0.1 -p "${client[n]}" --cluster_name bench \
      --cluster "nats://127.0.0.1:${route[n]}" --routes "nats://127.0.0.1:${route[1 - n]}"
  done
  until answers "${client[0]}" && answers "${client[1]}"; do
    all_run || return 1
    nap
  done
  nodes=127.0.0.1:${client[0]},127.0.0.1:${client[1]}
  watched=$(IFS=,; echo "${pids[*]}")
}

# Another port, should one be taken.
launch() {
  for _ in 1 2 3 4 5; do
    "start_$1" && return
    stop
  done
  tail -n 5 "$dir"/*.log >&2
  die "$1 did not start; see above."
}

# measure SYSTEM WORKLOAD COMMAND ARGUMENT…: one run, kept under both names.
measure() {
  local system=$1 workload=$2 line
  shift 2
  [ ! -t 2 ] || printf '\r\033[K  round %s of %s: %s, %s' "$round" "$rounds" "$system" "$workload" >&2
  line=$("$bench" "$@" --proto "$proto" --nodes "$nodes" --pids "$watched" --label "$system" --json) ||
    die "$system, $workload: crosstalk-bench failed: $line"
  printf '%s\n' "$line" >>"$dir/$system.$workload"
  printf '%s\n' "$line" >>"$out/results.jsonl"
}

run_system() {
  local system=$1
  local load=(throughput --pairs 256 --duration "$duration")
  launch "$system"
  measure "$system" idle idle --sessions "$sessions" --duration 1
  stop
  # On a heap that no crowd has used.
  launch "$system"
  measure "$system" w16 "${load[@]}" --window 16
  measure "$system" w1 "${load[@]}" --window 1
  if [ "$system" = crosstalk ]; then
    measure crosstalk w16id "${load[@]}" --window 16 --id
    measure crosstalk w1id "${load[@]}" --window 1 --id
  fi
  measure "$system" latency latency --pairs 64 --rate "$rate" --duration "$duration"
  [ "$round" != 1 ] || count_calls "$system"
  stop
}

# System calls of all servers for each message, where perf may count them.
count_calls() {
  local system=$1 workload line
  command -v perf >/dev/null && perf stat -e raw_syscalls:sys_enter true 2>/dev/null || return 0
  for workload in w16 w1; do
    line=$(perf stat -x, -o "$dir/perf" -e raw_syscalls:sys_enter -p "$watched" -- "$bench" throughput --pairs 256 \
      --window "${workload#w}" --duration 1 --proto "$proto" --nodes "$nodes" --json) || return 0
    awk -F, -v sent="$(figure sent <<<"$line")" '/sys_enter/ { printf "%.2f\n", $1 / sent }' "$dir/perf" \
      >"$dir/$system.calls.$workload"
  done
}

# One number of each line of JSON.
figure() { sed -n "s/.*\"$1\":\([-0-9.e+]*\).*/\1/p"; }
middle() { sort -g | awk '{ a[NR] = $1 } END { if (NR) print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'; }
# of SYSTEM WORKLOAD KEY FORMAT: the median over the rounds, or a dash.
of() {
  local value
  value=$(figure "$3" <"$dir/$1.$2" 2>/dev/null | middle)
  if [ -n "$value" ]; then printf "%${4:-.2f}" "$value"; else printf -- '-'; fi
}
calls() { cat "$dir/$1.calls.$2" 2>/dev/null || printf -- '-'; }

row() { printf '| %-19s | %11s | %10s | %10s | %11s | %10s | %12s | %11s |\n' "$@"; }

rows_of() {
  local system=$1 key=server_us_per_message
  row "$system" "$(of "$system" w16 $key)" "$(of "$system" w1 $key)" "$(of "$system" idle server_us_per_login .1f)" \
    "$(of "$system" idle bytes_per_session .0f)" "$(of "$system" w16 delivered_per_s .0f)" \
    "$(calls "$system" w16)" "$(calls "$system" w1)"
  [ "$system" != crosstalk ] ||
    row 'crosstalk, with ids' "$(of crosstalk w16id $key)" "$(of crosstalk w1id $key)" '' '' "$(of crosstalk w16id delivered_per_s .0f)" '' ''
}

# ratio A B: how many times the one is of the other, both of the same rounds.
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (a > 0 && b > 0) printf "%.2f", a / b; else printf "-" }'; }
cost() { of "$1" "$2" server_us_per_message .4f; }

table() {
  local system
  row system 'us 256 x 16' 'us 256 x 1' 'us a login' 'B a session' messages/s 'calls x 16' 'calls x 1'
  printf '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n'
  for system in $systems; do rows_of "$system"; done
  say
  for system in $systems; do
    [ "$system" = crosstalk ] || [ ! -e "$dir/crosstalk.w16" ] ||
      printf 'crosstalk takes %s times the CPU of %s at 256 x 16, %s times at 256 x 1\n' \
        "$(ratio "$(cost crosstalk w16)" "$(cost "$system" w16)")" "$system" \
        "$(ratio "$(cost crosstalk w1)" "$(cost "$system" w1)")"
  done
  [ ! -e "$dir/crosstalk.w16" ] ||
    printf 'with ids it takes %s times its own at 256 x 16, %s times at 256 x 1\n' \
      "$(ratio "$(cost crosstalk w16id)" "$(cost crosstalk w16)")" "$(ratio "$(cost crosstalk w1id)" "$(cost crosstalk w1)")"
}

for program in crosstalkd crosstalk-bench; do
  [ -x "$build/$program" ] || die "$build/$program is not built; run make."
done
ulimit -n "$(ulimit -Hn)" 2>/dev/null
systems=
for system in ${SYSTEMS:-relay crosstalk redis nats}; do
  case $system in
    relay | crosstalk) systems+=" $system" ;;
    redis | nats)
      if command -v "$system-server" >/dev/null; then
        systems+=" $system"
      else
        say "$system-server is not here, so it is left out; $([ "$system" = nats ] && echo 'make bench-deps' || echo 'make deps') fetches it." >&2
      fi
      ;;
    *) die "SYSTEMS: expected relay, crosstalk, redis and nats, found \"$system\"" ;;
  esac
done
mkdir -p "$out"
: >"$out/results.jsonl"

for round in $(seq "$rounds"); do
  for system in $systems; do run_system "$system"; done
done
[ ! -t 2 ] || printf '\r\033[K' >&2

say
say "CPU time of all servers for each message: two nodes, 256 senders on one, receivers on the other, 128 bytes,"
say "16 or 1 in flight each; for each login; resident bytes of each of $sessions idle sessions; system calls a message."
say "Medians of $rounds rounds, $duration s each, on $(nproc) cores with Linux $(uname -r)."
say
table
grep '"bench":"latency"' "$out/results.jsonl" >"$dir/latencies"
"$bench" plot "$dir/latencies" --out "$out/latency.svg" --title "Latency at $rate messages a second, 64 pairs" &&
  say && say "Latencies at $rate messages/s: $out/latency.svg; all figures: $out/results.jsonl"
