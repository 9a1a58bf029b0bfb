#!/usr/bin/env bash
# Three nodes on this machine and a Redis of their own, until Ctrl-C.
# Called by `make run`; the only argument is the folder of the programs.
set -u -o pipefail

bin=${1:?usage: run-mesh.sh FOLDER}
nodes=(n1 n2 n3)
client_ports=(9501 9502 9503)
peer_ports=(9601 9602 9603)
http_ports=(9701 9702 9703)
dir=$(mktemp -d "${TMPDIR:-/tmp}/crosstalk.XXXXXX")
pids=()

say() { printf '%s\n' "$*"; }

# Nodes first, so that they can still take themselves out of the set.
clean_up() {
  trap - EXIT INT TERM
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill "${pids[i]}" 2>/dev/null && wait "${pids[i]}" 2>/dev/null
  done
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'say; say "Stopping."; exit 0' INT TERM

# In a session of its own, so that Ctrl-C reaches this script alone, which stops
# them in order; and gone with this script, however that ends.
start() {
  local log=$1
  shift
  setsid setpriv --pdeathsig TERM "$@" >"$dir/$log" 2>&1 &
  pids+=($!)
}

for port in "${client_ports[@]}" "${peer_ports[@]}" "${http_ports[@]}"; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    say "127.0.0.1:$port is in use by another program; free it, then run this again." >&2
    exit 1
  fi
done

# Any free port will do for Redis: it says itself when one is taken.
start_redis() {
  for redis_port in 16379 26379 36379 46379; do
    start redis.log redis-server --bind 127.0.0.1 --port "$redis_port" --save '' --appendonly no --dir "$dir"
    while kill -0 "${pids[-1]}" 2>/dev/null; do
      [ "$(redis-cli -p "$redis_port" info server 2>/dev/null | tr -d '\r' | sed -n 's/^process_id://p')" = "${pids[-1]}" ] &&
        return 0
      read -r -t 0.05 <> <(:)
    done
    unset 'pids[-1]'
  done
  say "No free port was found for Redis; it says:" >&2
  cat "$dir/redis.log" >&2
  return 1
}
start_redis || exit 1

for i in "${!nodes[@]}"; do
  start "${nodes[i]}.log" "$bin/crosstalkd" --node "${nodes[i]}" --listen "127.0.0.1:${client_ports[i]}" \
    --peer-listen "127.0.0.1:${peer_ports[i]}" --http-listen "127.0.0.1:${http_ports[i]}" --redis "redis://127.0.0.1:$redis_port" --ready-file "$dir/${nodes[i]}.ready"
done
for i in "${!nodes[@]}"; do
  until [ -e "$dir/${nodes[i]}.ready" ]; do
    if ! kill -0 "${pids[i + 1]}" 2>/dev/null; then
      say "Node ${nodes[i]} did not start; it says:" >&2
      cat "$dir/${nodes[i]}.log" >&2
      exit 1
    fi
    read -r -t 0.05 <> <(:)
  done
done

cat <<TEXT

Three nodes form one mesh; no server stands between them.

  node   for clients       for peers         HTTP
  n1     127.0.0.1:9501    127.0.0.1:9601    127.0.0.1:9701
  n2     127.0.0.1:9502    127.0.0.1:9602    127.0.0.1:9702
  n3     127.0.0.1:9503    127.0.0.1:9603    127.0.0.1:9703
  Redis  127.0.0.1:$redis_port   (for finding each other, and chats to people who are away)

People. In one terminal       telnet 127.0.0.1 9501
                                /login alice
        in another            telnet 127.0.0.1 9503
                                /login bob
        and back in the first   /msg bob hello

Programs speak JSON, one object a line, on the same ports:
        telnet 127.0.0.1 9501   {"cmd":"login","name":"zhima201"}
        telnet 127.0.0.1 9503   {"cmd":"login","name":"zhima202"}
        in the first            {"cmd":"chat","send":"zhima201","recv":"zhima202","content":"how are youe"}

Watch it: $bin/cluster-peek               all nodes and links, as they are
          $bin/crosstalk login carol      a chat that survives its node

Break it: kill -9 ${pids[3]} stops n3; redis-cli -p $redis_port shutdown stops Redis.
Logs: $dir/n1.log n2.log n3.log        Stop all: Ctrl-C

TEXT

# A node or Redis may be killed to see what happens; the rest goes on.
while :; do
  wait -n -p gone "${pids[@]}" 2>/dev/null
  status=$?
  [ -n "${gone:-}" ] || exit 0
  for i in "${!pids[@]}"; do
    if [ "${pids[i]}" = "$gone" ]; then
      [ "$i" = 0 ] && name=Redis || name=${nodes[i - 1]}
      say "$name (pid $gone) has ended with status $status; the others go on."
      unset 'pids[i]'
    fi
  done
  unset gone
  [ ${#pids[@]} -gt 0 ] || exit 1
done
