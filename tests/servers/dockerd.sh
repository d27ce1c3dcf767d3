#!/usr/bin/env bash
# A throwaway Docker engine for tests, with a network of its own. Root.
# usage: dockerd.sh start | image | swarm | token | join TOKEN ADDRESS | link OTHER_NETNS ADDRESS OTHER_ADDRESS | kill | up | crash | stop
#   start   makes its network namespace and starts it there; one left behind goes first
#   image   gives it an image `idle`: busybox, which sleeps
#   swarm   makes it the manager of a Swarm at DK_ADDRESS; token prints what a worker needs
#   join    makes it a worker of the manager at ADDRESS
#   link    a cable to another engine's namespace
#   kill    ends the engine alone, as a crash would; its containers stay. up starts it again
#   crash   ends the engine and all that it runs
#   stop    ends it and removes everything
# environment: DK_DIR, its folder, short enough for a socket's path (/tmp/rollcall-docker); DK_NETNS, the namespace (rollcall-docker);
#   DK_ADDRESS, its address in the Swarm (127.0.0.1)
# needs: docker.io (Engine 20.10 and containerd), busybox-static, iproute2, curl
set -euo pipefail
dir=${DK_DIR:-/tmp/rollcall-docker}
netns=${DK_NETNS:-rollcall-docker}
address=${DK_ADDRESS:-127.0.0.1}
socket=$dir/docker.sock
group=/rollcall-$(basename "$dir")
export DOCKER_HOST=unix://$socket

# Debian's own, which is as old as the engine.
docker() { /usr/bin/docker "$@"; }

answers() { curl -fs --max-time 1 --unix-socket "$socket" http://docker/_ping >/dev/null; }

wait_until() {
  for _ in {1..400}; do
    if "$@"; then return 0; fi
    sleep 0.05
  done
  return 1
}

ended() { ! kill -0 "$1" 2>/dev/null; }

# Its network and its host name are its own; `ip netns exec` would hide its cgroups from it.
up() {
  rm -f "$dir/docker.pid"
  DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1 setsid nsenter "--net=/var/run/netns/$netns" unshare --uts \
    sh -c 'hostname "$0" && exec "$@"' "$netns" dockerd -H "unix://$socket" \
    -p "$dir/docker.pid" --data-root "$dir/data" --exec-root "$dir/exec" --exec-opt native.cgroupdriver=cgroupfs \
    --cgroup-parent "$group" --bip 10.199.0.1/24 --default-address-pool base=10.199.0.0/16,size=24 \
    >>"$dir/log" 2>&1 </dev/null &
  wait_until answers || { tail -5 "$dir/log" >&2; return 1; }
}

start() {
  stop
  mkdir -p "$dir"
  ip netns add "$netns"
  ip -n "$netns" link set lo up
  up
}

image() {
  mkdir -p "$dir/image/bin"
  cp "$(command -v busybox)" "$dir/image/bin/busybox"
  for name in sh sleep true false; do ln -sf busybox "$dir/image/bin/$name"; done
  tar -C "$dir/image" -c . | docker import -c 'CMD ["/bin/sleep","3600"]' - idle >/dev/null
}

# With a short heartbeat, so that a node that is lost is missed within seconds.
swarm() {
  docker swarm init --advertise-addr "$address" --listen-addr "$address:2377" --data-path-addr "$address" \
    --default-addr-pool 10.198.0.0/16 --dispatcher-heartbeat 2s >/dev/null
}

token() { docker swarm join-token -q worker; }

join() { docker swarm join --token "$1" --advertise-addr "$address" --listen-addr "$address:2377" "$2:2377" >/dev/null; }

link() {
  ip link add rollcall-v0 type veth peer name rollcall-v1
  ip link set rollcall-v0 netns "$netns"
  ip link set rollcall-v1 netns "$1"
  ip -n "$netns" address add "$2/24" dev rollcall-v0
  ip -n "$1" address add "$3/24" dev rollcall-v1
  ip -n "$netns" link set rollcall-v0 up
  ip -n "$1" link set rollcall-v1 up
}

end_engine() {
  local pid
  pid=$(cat "$dir/docker.pid" 2>/dev/null) || return 0
  kill "-$1" "$pid" 2>/dev/null || return 0
  wait_until ended "$pid" || kill -KILL "$pid"
}

# The daemons below the engine have its folder in their command lines; what they run are their children.
runtime() {
  local folder
  for folder in /proc/[0-9]*; do
    if { tr '\0' ' ' <"$folder/cmdline"; } 2>/dev/null | grep -qE "^\S*containerd(-shim-runc-v2)? .*$dir/exec/"; then
      pgrep -P "${folder#/proc/}" || true
      echo "${folder#/proc/}"
    fi
  done
}

crash() {
  end_engine KILL
  local pids
  mapfile -t pids < <(runtime)
  if [[ ${#pids[@]} -gt 0 ]]; then kill -KILL "${pids[@]}" 2>/dev/null || true; fi
}

stop() {
  if [[ -d $dir ]] && answers; then
    docker swarm leave --force >/dev/null 2>&1 || true
    docker ps -aq | xargs -r /usr/bin/docker rm -f >/dev/null 2>&1 || true
    end_engine TERM
  fi
  crash
  awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l || true
  ip netns delete "$netns" 2>/dev/null || true
  for folder in /sys/fs/cgroup/*"$group" "/sys/fs/cgroup$group"; do
    if [[ -d $folder ]]; then find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true; fi
  done
  rm -rf "$dir"
}

case ${1:-} in
  start | image | swarm | token | join | link | up | crash | stop) "$@" ;;
  kill) end_engine KILL ;;
  *)
    sed -n '2,16s/^# \?//p' "$0"
    exit 2
    ;;
esac
