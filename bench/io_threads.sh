#!/bin/bash
# What a look-up over HTTP/2 costs with 1, 2 and 4 I/O threads: microseconds of the processor a request, server not pinned,
# h2load with 16 connections of 32 streams.
#   bench/io_threads.sh [ROUNDS [REQUESTS]]
# BIN: where the release build is. PORT: a free port.
set -euo pipefail
rounds=${1:-5} requests=${2:-300000}
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-$here/build/release/bin}
port=${PORT:-18121}
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; wait; rm -rf "$work"' EXIT

cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{sum += $1} END {printf "%.0f", sum}'; }
measure() {  # threads -> "requests_per_second microseconds"
  local before after told
  mkfifo "$work/ready"
  "$bin/rollcall" serve --http "127.0.0.1:$port" --socket off --data-dir "$work/data" --set probe.enabled=false \
    --set store=memory --set io_threads="$1" > "$work/ready" 2> "$work/log" &
  server=$!
  read -r _ < "$work/ready"
  rm "$work/ready"
  curl -fsS -o /dev/null -X PUT -H 'Content-Type: application/json' "http://127.0.0.1:$port/services/web/instances/web-1" \
    -d '{"address":"10.0.0.5","port":8080,"ttl":"1h","metadata":{"note":"'"$(printf 'x%.0s' $(seq 560))"'"}}'
  h2load -n 50000 -c 16 -m 32 "http://127.0.0.1:$port/services/web" > /dev/null  # warm up
  before=$(cpu_ns "$server")
  told=$(h2load -n "$requests" -c 16 -m 32 "http://127.0.0.1:$port/services/web")
  after=$(cpu_ns "$server")
  grep -q " $requests 2xx" <<< "$told"
  awk -v ns=$((after - before)) -v n="$requests" '/^finished in/ {printf "%.0f %.2f\n", $4, ns / 1e3 / n}' <<< "$told"
  kill "$server"
  wait "$server"
  server=
}

echo "| round | 1 thread: requests/s, CPU µs | 2 threads | 4 threads | 2 / 1 | 4 / 1 |"
echo "|---|---|---|---|---|---|"
for round in $(seq "$rounds"); do
  read -r rate1 us1 <<< "$(measure 1)"
  read -r rate2 us2 <<< "$(measure 2)"
  read -r rate4 us4 <<< "$(measure 4)"
  awk -v n="$round" -v a="$us1" -v b="$us2" -v c="$us4" -v rates="$rate1 $rate2 $rate4" 'BEGIN {
    split(rates, r)
    printf "| %d | %d, %.2f | %d, %.2f | %d, %.2f | %.2f | %.2f |\n", n, r[1], a, r[2], b, r[3], c, b / a, c / a
  }'
done
