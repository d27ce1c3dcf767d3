#!/usr/bin/env bash
# deploy.sh [STACK] [FILE...]: puts Rollcall on the Swarm that `docker` talks to, on a manager, and waits until its tasks run.
# STACK is rollcall if left out; further compose files change what stack.yml says. Variables: see there.
set -euo pipefail

readonly here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly patience_s=${DEPLOY_PATIENCE_S:-120}
stack=${1:-rollcall}
shift || true

files=(--compose-file "$here/stack.yml")
for file in "$@"; do files+=(--compose-file "$file"); done
# The engine takes an image that is there already: it may be no registry's.
docker stack deploy --resolve-image never "${files[@]}" "$stack"

deadline=$((SECONDS + patience_s))
until missing=$(docker stack services --format '{{.Name}} {{.Replicas}}' "$stack" |
  awk '{ split($2, n, "/"); if (n[1] != n[2] || n[2] == 0) print $1, $2 }') && [[ -z $missing ]]; do
  if ((SECONDS >= deadline)); then
    echo "after $patience_s s these don't run yet (docker service ps tells why):" >&2
    echo "$missing" >&2
    exit 1
  fi
  sleep 0.5
done
docker stack services "$stack"
