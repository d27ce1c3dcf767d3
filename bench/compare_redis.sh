#!/bin/bash
# Heartbeats beside Redis SET, which also changes one entry in memory and says OK: answers a second of a server that has
# core 0 alone, with bench/request_load.cpp on the other cores, over 100,000 ids in random order. Pipelined: lines of the
# socket protocol beside SET, 16 in flight on each connection. One by one: heartbeats over HTTP/1.1 beside SET.
# A round in which a server's core was under 95 % busy is void for the rate: the time of the processor that a request
# takes still counts.
#   bench/compare_redis.sh [ROUNDS [SECONDS [CONNECTIONS]]]
# BIN: where the release build is. PORT: the first of three free ports. CORES, THREADS: where the client runs.
set -euo pipefail
rounds=${1:-5} seconds=${2:-4} connections=${3:-50}
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-$here/build/release/bin}
port=${PORT:-18101} cores=${CORES:-1-$(($(nproc) - 1))} threads=${THREADS:-$(($(nproc) - 1))}
http=$port lines=$((port + 1)) redis=$((port + 2))
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

mkfifo "$work/ready"
taskset -c 0 "$bin/rollcall" serve --http "127.0.0.1:$http" --socket "127.0.0.1:$lines" --data-dir "$work/data" \
  --set probe.enabled=false --set store=memory --set io_threads=1 > "$work/ready" 2> "$work/rollcall.log" &
pids+=($!)
rollcall=$!
read -r _ < "$work/ready"
taskset -c 0 redis-server --port "$redis" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" > "$work/redis.log" &
pids+=($!)
redis_pid=$!
for _ in $(seq 100); do redis-cli -p "$redis" ping > /dev/null 2>&1 && break; sleep 0.05; done

# Each answer to a registration is the instance's id.
for n in $(seq 0 99999); do echo "register type$((n % 1000)) 10.0.0.5 8080"; done > "$work/registrations"
"$here/bench/talk_lines.py" "$lines" < "$work/registrations" > "$work/ids"
[[ $(grep -c '^[0-9a-f-]\{36\}$' "$work/ids") == 100000 ]] || { echo "not all were registered" >&2; exit 1; }

cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{sum += $1} END {printf "%.0f", sum}'; }
measure() {  # pid request_load's arguments... -> "requests_per_second busy_percent microseconds_of_cpu_per_request"
  local pid=$1 before after rate at=$2 pipeline=$3
  shift 3
  before=$(cpu_ns "$pid")
  rate=$(taskset -c "$cores" "$bin/request_load" "$at" "$connections" "$seconds" "$threads" "$pipeline" "$@" "$work/ids")
  after=$(cpu_ns "$pid")
  awk -v r="$rate" -v ns=$((after - before)) -v s="$seconds" \
    'BEGIN {printf "%.0f %.0f %.2f\n", r, ns / 1e7 / s, r ? ns / 1e3 / s / r : 0}'
}
redis_set() { measure "$redis_pid" "$redis" "$1" '+OK' '*3\r\n$3\r\nSET\r\n$36\r\n{}\r\n$3\r\nxxx\r\n'; }
beat_lines() { measure "$rollcall" "$lines" 16 'OK\n' 'heartbeat {}\n'; }
beat_http() { measure "$rollcall" "$http" 1 'HTTP/1.1 20' 'PUT /instances/{}/heartbeat HTTP/1.1\r\nHost: localhost\r\n\r\n'; }

compare() {  # name ours... -- theirs...
  local round ours ours_busy ours_us theirs theirs_busy theirs_us
  echo
  echo "| $1 | Rollcall | Redis | Rollcall / Redis | server core busy % | CPU µs a request | by CPU time |"
  echo "|---|---|---|---|---|---|---|"
  for round in $(seq "$rounds"); do
    read -r ours ours_busy ours_us <<< "$($2)"
    read -r theirs theirs_busy theirs_us <<< "$(redis_set "$3")"
    awk -v n="$round" -v o="$ours" -v t="$theirs" -v bo="$ours_busy" -v bt="$theirs_busy" -v uo="$ours_us" -v ut="$theirs_us" '
      BEGIN {
        printf "| %s%s | %d | %d | %.3f | %d, %d | %.2f, %.2f | %.3f |\n", n, (bo < 95 || bt < 95) ? " void" : "", o, t, o / t, bo, bt, uo, ut, ut / uo
      }'
  done
}
beat_lines > /dev/null  # warm up
redis_set 16 > /dev/null
compare "16 in flight" beat_lines 16
compare "one by one" beat_http 1
