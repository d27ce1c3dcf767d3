#!/bin/bash
# The HTTP look-up beside a bare epoll loop and nginx, all answering the same 1 KB: requests per second of one thread on
# core 0, with bench/request_load.cpp on the other cores. A round in which the server's core was under 95 % busy is void.
#   bench/compare_http.sh [ROUNDS [SECONDS [CONNECTIONS]]]
# BIN: where the release build is. PORT: the first of three free ports. CORES, THREADS: where the client runs.
set -euo pipefail
rounds=${1:-5} seconds=${2:-4} connections=${3:-64}
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-$here/build/release/bin}
port=${PORT:-18081} cores=${CORES:-1-$(($(nproc) - 1))} threads=${THREADS:-$(($(nproc) - 1))}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

body='{"name":"'$(printf 'x%.0s' $(seq 1012))'"}'
cat > "$work/nginx.conf" <<CONF
daemon off; master_process off; worker_processes 1; pid $work/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000; tcp_nodelay on; server_tokens off;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work; scgi_temp_path $work;
  server {
    listen 127.0.0.1:$((port + 2)); default_type application/json;
    location / { add_header ETag 'W/"1-1"'; add_header Cache-Control no-cache; add_header Vary Accept-Encoding; return 200 '$body
'; }
  }
}
CONF

start() {  # name port command...
  local name=$1 at=$2
  shift 2
  taskset -c 0 "$@" > /dev/null &
  pids+=($!)
  echo $! > "$work/$name.pid_of"
  for _ in $(seq 100); do
    curl -fs -o /dev/null "http://127.0.0.1:$at/services/web" && return
    sleep 0.05
  done
  echo "$name doesn't answer" >&2
  exit 1
}
start epoll "$port" "$bin/epoll_baseline" "$port"
start rollcall "$((port + 1))" "$bin/h1_server" "$((port + 1))"
start nginx "$((port + 2))" /usr/sbin/nginx -c "$work/nginx.conf" -p "$work"

# Of core 0 while the client ran, in percent: the server alone is pinned there.
cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{sum += $1} END {printf "%.0f", sum}'; }
measure() {  # name port -> "requests_per_second busy_percent microseconds_of_cpu_per_request"
  local pid before after rate
  pid=$(cat "$work/$1.pid_of")
  before=$(cpu_ns "$pid")
  rate=$(taskset -c "$cores" "$bin/request_load" "$2" "$connections" "$seconds" "$threads" 1 "HTTP/1.1 200" \
    "GET /services/web HTTP/1.1\r\nHost: 127.0.0.1:$2\r\n\r\n")
  after=$(cpu_ns "$pid")
  awk -v r="$rate" -v ns=$((after - before)) -v s="$seconds" \
    'BEGIN {printf "%.0f %.0f %.2f\n", r, ns / 1e7 / s, r ? ns / 1e3 / s / r : 0}'
}

measure epoll "$port" > /dev/null  # warm up
measure rollcall $((port + 1)) > /dev/null
measure nginx $((port + 2)) > /dev/null
echo "| round | bare epoll | Rollcall | nginx return 200 | Rollcall / epoll | Rollcall / nginx | server core busy % | CPU µs a request |"
echo "|---|---|---|---|---|---|---|---|"
for round in $(seq "$rounds"); do
  read -r epoll epoll_busy epoll_us <<< "$(measure epoll "$port")"
  read -r ours ours_busy ours_us <<< "$(measure rollcall $((port + 1)))"
  read -r nginx nginx_busy nginx_us <<< "$(measure nginx $((port + 2)))"
  awk -v n="$round" -v e="$epoll" -v o="$ours" -v g="$nginx" -v be="$epoll_busy" -v bo="$ours_busy" -v bg="$nginx_busy" \
    -v us="$epoll_us, $ours_us, $nginx_us" '
    BEGIN {
      printf "| %s%s | %d | %d | %d | %.3f | %.3f | %d, %d, %d | %s |\n", n, (be < 95 || bo < 95 || bg < 95) ? " void" : "", e, o, g, o / e, o / g, be, bo, bg, us
    }' | tee -a "$work/rows"
done
# The median of the rounds that count.
grep -v void "$work/rows" | awk -F'|' '{print $6, $7}' > "$work/ratios" || true
if [ -s "$work/ratios" ]; then
  for column in 1 2; do
    awk -v c=$column '{print $c}' "$work/ratios" | sort -n | awk -v c=$column '{v[NR] = $1} END {printf "median Rollcall / %s: %.3f of %d rounds\n", c == 1 ? "epoll" : "nginx", v[int((NR + 1) / 2)], NR}'
  done
fi
