#!/usr/bin/env bash
# remove.sh [STACK] [--data]: takes Rollcall off the Swarm, and with --data what the registry has kept on this node.
set -euo pipefail

stack=rollcall data=
for word in "$@"; do
  case $word in
    --data) data=yes ;;
    *) stack=$word ;;
  esac
done

docker stack rm "$stack"
[[ -n $data ]] || exit 0

deadline=$((SECONDS + 60))
until docker volume rm "${stack}_registry" 2>/dev/null || ! docker volume inspect "${stack}_registry" >/dev/null 2>&1; do
  if ((SECONDS >= deadline)); then
    echo "the volume ${stack}_registry is still in use" >&2
    exit 1
  fi
  sleep 0.5
done
