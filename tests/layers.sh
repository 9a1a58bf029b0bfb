#!/usr/bin/env bash
# Who may include whom, and which file is the one home of each C library.
# Prints every include that breaks a rule; ends with "N passed, N failed".
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

passed=0
failed=0

# rule NAME FILES… -- PATTERN: no line of these files may include PATTERN.
rule() {
  local name=$1 files=()
  shift
  while [ "$1" != -- ]; do
    [ -e "$1" ] && files+=("$1")
    shift
  done
  local pattern=$2 found
  if [ ${#files[@]} = 0 ]; then
    printf '  %s: no such files\n' "$name"
    failed=$((failed + 1))
    return
  fi
  if found=$(grep -nE "^#include $pattern" "${files[@]}" /dev/null); then
    printf '  %s\n%s\n' "$name" "$found"
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
}

# Every source but those named.
all_but() { find peer src tools -name '*.h' -o -name '*.cc' | grep -vE "$1"; }

shopt -s nullglob
rule 'peer/ includes nothing of ours but itself' peer/* -- '"(src|tests|tools)/'
rule 'peer/ includes no system header: no sockets, no clock' peer/* -- '<(sys|netinet|arpa|unistd|time|poll|fcntl|errno|signal|uv|hiredis)'
# shellcheck disable=SC2046
{
  rule 'in peer/ only hello.cc has the crypto header' $(find peer -type f ! -name hello.cc) -- '<openssl/'
  rule 'src/io includes peer/ and itself' src/io/* -- '"src/(client|chat|http|node)/'
  rule 'src/chat includes peer/ and itself' src/chat/* -- '"src/(client|http|io|node)/'
  rule 'src/client includes no src/http and no src/node' src/client/* -- '"src/(http|node)/'
  rule 'in src/client only the door has sockets' $(find src/client -type f ! -name 'door*') -- '"src/io/'
  rule 'src/http includes peer/, src/io and itself' src/http/* -- '"src/(client|chat|node)/'
  rule 'in src/http only the server has sockets' $(find src/http -type f ! -name 'server*') -- '"src/io/'
  rule 'tools/ includes nothing of the server' $(find tools -name '*.h' -o -name '*.cc') -- '"(peer|src|tests)/'
  rule 'tools/common includes itself alone' tools/common/* -- '"(tools/[^c]|src/|peer/)'
  rule 'uv.h only in src/io' $(all_but '^src/io/') -- '<uv'
  rule 'hiredis only in src/io/redis* and tools/peek/redis.cc' $(all_but '^(src/io/redis|tools/peek/redis\.cc$)') -- '<hiredis'
  rule 'simdjson only in src/client/request.cc' $(all_but '^src/client/request\.cc$') -- '<simdjson'
  rule 'http-parser only in src/http/parse.cc and tools/common/http.cc' $(all_but '^(src/http/parse|tools/common/http)\.cc$') -- '<http_parser'
  rule 'libtelnet only in src/client/telnet.cc' $(all_but '^src/client/telnet\.cc$') -- '<libtelnet'
  rule 'toml++ and CLI11 only in src/node/config.cc and tools/common/usage' $(all_but '^(src/node/config\.cc|tools/common/usage\.(h|cc))$') -- '<(toml|CLI)'
  rule 'CLI11 for flags.cc of each tool alone' $(all_but '^tools/([a-z]+/flags|common/usage)\.cc$') -- '"tools/common/usage\.h'
  rule 'ncurses only in tools/peek/screen.cc' $(all_but '^tools/peek/screen\.cc$') -- '<(n?curses|term)'
  rule 'libedit only in tools/crosstalk/terminal' $(all_but '^tools/crosstalk/terminal\.') -- '<(histedit|editline)'
  rule 'in tools/crosstalk only the wire, sessions and HTTP have connections' \
    $(find tools/crosstalk -type f ! -name 'wire.*' ! -name 'session.*' ! -name 'commands.*' ! -name 'admin.*') \
    -- '("tools/common/(connection|http|lookup)|<(sys/socket|netdb|arpa))'
  rule 'in tools/bench only the loop, places, the relay and neighbours have sockets or processes' \
    $(find tools/bench -type f ! -name 'loop.*' ! -name 'place.*' ! -name 'relay.cc' ! -name 'neighbour.*') \
    -- '<(sys/(socket|epoll|signalfd|wait)|netdb|netinet|arpa|fcntl|poll)'
  rule 'spdlog only in src/node/log.cc' $(all_but '^src/node/log\.cc$') -- '<spdlog'
  rule 'prometheus-cpp only in src/node/metrics.cc' $(all_but '^src/node/metrics\.cc$') -- '<prometheus'
  rule 'libsystemd only in src/node/supervisor.cc' $(all_but '^src/node/supervisor\.cc$') -- '<systemd'
  rule 'the simulator has no sockets' tests/sim/* -- '"src/(io|client|http|node)/'
  rule 'no product file includes a test' $(find peer src tools -name '*.h' -o -name '*.cc') -- '"tests/'
}

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
