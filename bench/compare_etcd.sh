#!/bin/bash
# Durable registrations beside etcd's Put over gRPC, on one disk and asked by the same client: h2load with 64 connections
# of one request in flight each. Every one of Rollcall's is a new instance with a tag and a metadata entry; etcd is given
# the same bytes as the value of one key. Both answer when the disk has them.
#   bench/compare_etcd.sh [ROUNDS [REQUESTS [CLIENTS]]]
# BIN: where the release build is. DIR: on the disk to be measured. PORT: the first of three free ports.
set -euo pipefail
rounds=${1:-5} requests=${2:-60000} clients=${3:-64}
here=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-$here/build/release/bin}
port=${PORT:-18111}
work=$(mktemp -d -p "${DIR:-$here/build}")
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

mkfifo "$work/ready"
"$bin/rollcall" serve --http "127.0.0.1:$port" --socket off --data-dir "$work/data" --set probe.enabled=false \
  > "$work/ready" 2> "$work/rollcall.log" &
pids+=($!)
read -r _ < "$work/ready"
etcd=http://127.0.0.1:$((port + 1))
etcd --name one --data-dir "$work/etcd" --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
  --listen-peer-urls "http://127.0.0.1:$((port + 2))" --initial-advertise-peer-urls "http://127.0.0.1:$((port + 2))" \
  --initial-cluster "one=http://127.0.0.1:$((port + 2))" --log-level warn --logger zap > "$work/etcd.log" 2>&1 &
pids+=($!)
for _ in $(seq 200); do curl -fs "$etcd/health" 2>/dev/null | grep -q true && break; sleep 0.05; done

printf '%s' '{"address":"10.1.2.3","port":8080,"tags":["blue"],"metadata":{"zone":"a"},"ttl":3600}' > "$work/body"
python3 - "$work/body" "$work/frame" << 'PYTHON'
import struct
import sys
value = open(sys.argv[1], "rb").read()
key = b"/services/web/instances/benchmark-instance-000000001"
put = b"\x0a" + bytes([len(key)]) + key + b"\x12" + bytes([len(value)]) + value  # PutRequest: key = 1, value = 2
open(sys.argv[2], "wb").write(struct.pack(">BI", 0, len(put)) + put)
PYTHON

load() {  # name arguments...
  local name=$1 told
  shift
  told=$(h2load -n "$requests" -c "$clients" -m 1 "$@")
  grep -q " $requests 2xx" <<< "$told" || { echo "$name: not all were answered" >&2; echo "$told" >&2; return 1; }
  awk '/^finished in/ {printf "%.0f\n", $4}' <<< "$told"
}
register() { load Rollcall "$@" -d "$work/body" -H 'content-type: application/json' "http://127.0.0.1:$port/services/web/instances"; }
put() { load etcd -d "$work/frame" -H 'content-type: application/grpc' -H 'te: trailers' "$etcd/etcdserverpb.KV/Put"; }

register > /dev/null  # warm up
put > /dev/null
echo "| round | Rollcall, HTTP/2 | Rollcall, HTTP/1.1 | etcd Put | HTTP/2 / etcd | HTTP/1.1 / etcd |"
echo "|---|---|---|---|---|---|"
for round in $(seq "$rounds"); do
  two=$(register) one=$(register --h1) theirs=$(put)
  awk -v n="$round" -v a="$two" -v b="$one" -v t="$theirs" \
    'BEGIN {printf "| %d | %d | %d | %d | %.2f | %.2f |\n", n, a, b, t, a / t, b / t}'
done
