#!/bin/bash
# The HTTP/2 look-up beside nghttpd serving the same bytes from a file: requests per second of one thread on core 0, with
# h2load on the other cores. A round in which a server's core was under 95 % busy is void for the rate: the time of the
# processor that a request takes still counts.
#   bench/compare_h2.sh [ROUNDS [REQUESTS [CONNECTIONS [STREAMS]]]]
# BIN: where the release build is. PORT: the first of two free ports. CORES: where the client runs.
set -euo pipefail
rounds=${1:-5} requests=${2:-400000} connections=${3:-16} streams=${4:-32}
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-$here/build/release/bin}
port=${PORT:-18091} cores=${CORES:-1-$(($(nproc) - 1))}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

start() {  # name port command...
  local name=$1 at=$2
  shift 2
  taskset -c 0 "$@" > /dev/null 2> "$work/$name.log" &
  pids+=($!)
  echo $! > "$work/$name.pid_of"
  for _ in $(seq 100); do
    curl -s --http2-prior-knowledge -o /dev/null "http://127.0.0.1:$at/" && return
    sleep 0.05
  done
  echo "$name doesn't answer" >&2
  exit 1
}
start rollcall "$port" "$bin/rollcall" serve --http "127.0.0.1:$port" --socket off --data-dir "$work/data" \
  --set probe.enabled=false --set store=memory --set io_threads=1
curl -fsS -o /dev/null -X PUT -H 'Content-Type: application/json' "http://127.0.0.1:$port/services/web/instances/web-1" \
  -d '{"address":"10.0.0.5","port":8080,"ttl":"1h","metadata":{"note":"'"$(printf 'x%.0s' $(seq "${NOTE:-560}"))"'"}}'
mkdir -p "$work/htdocs/services"
curl -fsS -o "$work/htdocs/services/web" "http://127.0.0.1:$port/services/web"
start nghttpd $((port + 1)) /usr/sbin/nghttpd --no-tls -a 127.0.0.1 -n 1 -d "$work/htdocs" $((port + 1))

# Of core 0 while the client ran, in percent: the server alone is pinned there.
cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{sum += $1} END {printf "%.0f", sum}'; }
measure() {  # name port -> "requests_per_second busy_percent microseconds_of_cpu_per_request"
  local pid before after told
  pid=$(cat "$work/$1.pid_of")
  before=$(cpu_ns "$pid")
  told=$(taskset -c "$cores" h2load -n "$requests" -c "$connections" -m "$streams" "http://127.0.0.1:$2/services/web")
  after=$(cpu_ns "$pid")
  grep -q " $requests 2xx" <<< "$told" || { echo "$1: not all were answered" >&2; return 1; }
  awk -v ns=$((after - before)) -v n="$requests" '
    /^finished in/ {
      rate = $4
      printf "%.0f %.0f %.2f\n", rate, ns / 1e7 / (n / rate), ns / 1e3 / n
    }' <<< "$told"
}

measure rollcall "$port" > /dev/null  # warm up
measure nghttpd $((port + 1)) > /dev/null
echo "$(stat -c %s "$work/htdocs/services/web") bytes, $connections connections, $streams streams"
echo "| round | Rollcall | nghttpd | Rollcall / nghttpd | server core busy % | CPU µs a request |"
echo "|---|---|---|---|---|---|"
for round in $(seq "$rounds"); do
  read -r ours ours_busy ours_us <<< "$(measure rollcall "$port")"
  read -r theirs theirs_busy theirs_us <<< "$(measure nghttpd $((port + 1)))"
  awk -v n="$round" -v o="$ours" -v t="$theirs" -v bo="$ours_busy" -v bt="$theirs_busy" -v us="$ours_us, $theirs_us" '
    BEGIN {
      printf "| %s%s | %d | %d | %.3f | %d, %d | %s |\n", n, (bo < 95 || bt < 95) ? " void" : "", o, t, o / t, bo, bt, us
    }'
done
