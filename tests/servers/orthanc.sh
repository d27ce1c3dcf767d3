#!/usr/bin/env bash
# Throwaway Orthanc servers for tests and demonstrations.
# usage: orthanc.sh start [N] | stop
# environment: OR_DIR (/tmp/rollcall-orthanc)  OR_HTTP (8042)  OR_DICOM (4242)  OR_PASSWORD (empty: none is asked for)
# Server i listens on HTTP OR_HTTP+i and DICOM OR_DICOM+i; its name is orthanc-i, its AET ORTHANCi.
set -euo pipefail
dir=${OR_DIR:-/tmp/rollcall-orthanc}
http=${OR_HTTP:-8042}
dicom=${OR_DICOM:-4242}
password=${OR_PASSWORD:-}

configure() {
  local i=$1 locked=false
  [ -z "$password" ] || locked=true
  cat <<EOF
{ "Name": "orthanc-$i", "DicomAet": "ORTHANC$i",
  "HttpPort": $((http + i)), "DicomPort": $((dicom + i)),
  "StorageDirectory": "$dir/$i/db", "IndexDirectory": "$dir/$i/db", "Plugins": [],
  "RemoteAccessAllowed": false, "AuthenticationEnabled": $locked, "RegisteredUsers": { "orthanc": "$password" },
  "StableAge": 1, "SaveJobs": false }
EOF
}

wait_for() {
  local i=$1
  for _ in $(seq 200); do
    # Any answer will do: a locked server answers 401.
    curl -s -o /dev/null "http://127.0.0.1:$((http + i))/system" && return
    sleep 0.05
  done
  echo "orthanc-$i did not start:" >&2
  tail -n 5 "$dir/$i/log" >&2
  return 1
}

start() {
  local count=${1:-3} i
  for ((i = 0; i < count; i++)); do
    mkdir -p "$dir/$i/db"
    configure "$i" >"$dir/$i/orthanc.json"
    setsid Orthanc "$dir/$i/orthanc.json" >"$dir/$i/log" 2>&1 </dev/null &
    echo $! >"$dir/$i/pid"
  done
  for ((i = 0; i < count; i++)); do wait_for "$i"; done
}

# SIGTERM takes Orthanc about five seconds; its database survives SIGKILL, and these are thrown away.
stop() {
  local file
  for file in "$dir"/*/pid; do
    [ -f "$file" ] && kill -KILL "$(cat "$file")" 2>/dev/null || true
  done
  rm -rf "$dir"
}

case "${1:-}" in
  start) start "${2:-3}" ;;
  stop) stop ;;
  *)
    sed -n 2,5p "$0"
    exit 2
    ;;
esac
