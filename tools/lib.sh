# What the scripts share. Sourced, never run; expects `set -euo pipefail`.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=/usr/bin/python3 # Debian's: its packages are the ones that install_packages.sh installs
cores=$(nproc)

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi

say() { printf '%s\n' "$*" >&2; }
step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }
die() {
  printf '%s%s: %s%s\n' "$red" "$(basename "$0")" "$*" "$plain" >&2
  exit 1
}

# The comment at the head of a script is its help.
print_help() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"; }

# configure_preset PRESET: quick and silent when nothing has to change; Ninja configures again by itself.
configure_preset() {
  [[ $root/build/$1/build.ninja -nt $root/CMakePresets.json ]] && return
  step "configuring $1"
  (cd "$root" && cmake --preset "$1") >&2
}

# drop_stale_headers FOLDER: a package's upgrade brings headers with the package's dates, older than what was built from
# their predecessors: Ninja sees nothing to do, and Clang refuses the precompiled headers.
drop_stale_headers() {
  local folder=$1 packages
  packages=$(dpkg-query --show '*-dev' | sha256sum)
  if [[ -e $folder/packages && $(<"$folder/packages") != "$packages" ]]; then
    find "$folder" -name '*.pch' -delete
  fi
  echo "$packages" >"$folder/packages"
}

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1
  shift
  configure_preset "$preset"
  drop_stale_headers "$root/build/$preset"
  step "building $preset${*:+: $*}"
  cmake --build "$root/build/$preset" --parallel "$cores" ${*:+--target "$@"} >&2
}

# Started by sudo in a tree that belongs to the caller, all but the installation runs as the caller, so that no file of
# root's is left in the tree. Starts "$0" anew; returns when there is nothing to drop.
drop_sudo() {
  [[ $EUID -eq 0 && -n ${SUDO_UID:-} && $SUDO_UID != 0 ]] || return 0
  [[ $(stat -c %u "$root") == "$SUDO_UID" ]] || return 0
  local directory
  for directory in build run-data; do
    if [[ -e $root/$directory && $(stat -c %u "$root/$directory") != "$SUDO_UID" ]]; then
      chown -R --no-dereference "$SUDO_UID:$SUDO_GID" "$root/$directory"
    fi
  done
  local home
  home=$(getent passwd "$SUDO_UID" | cut -d: -f6)
  exec env HOME="${home:-/tmp}" USER="${SUDO_USER:-}" LOGNAME="${SUDO_USER:-}" \
    setpriv --reuid "$SUDO_UID" --regid "$SUDO_GID" --init-groups "$0" "$@"
}

# A tree that another user (root, mostly) has built in can't be built by us: say so before CMake does.
check_writable() {
  local directory
  for directory in "$root" "$root/build" "$root/run-data"; do
    [[ ! -e $directory || -w $directory ]] ||
      die "$directory belongs to $(stat -c %U "$directory"); run 'sudo chown -R $(id -un) $directory' first"
  done
}

# Sanitizers stop at the first finding and name the lines.
sanitizer_options() {
  export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:check_initialization_order=1}
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
  export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
  local symbolizer
  symbolizer=$(command -v llvm-symbolizer-19 || true)
  if [[ -n $symbolizer ]]; then
    export ASAN_SYMBOLIZER_PATH=$symbolizer
    TSAN_OPTIONS+=:external_symbolizer_path=$symbolizer
    UBSAN_OPTIONS+=:external_symbolizer_path=$symbolizer
  fi
}

# The names of the fuzz targets, from their sources.
fuzz_targets() { (cd "$root/tests/fuzz" && printf '%s\n' *_fuzz.cpp) | sed 's/\.cpp$//'; }

# run_fuzzer NAME ARGS...: on the inputs that it has found interesting so far, and on new ones.
run_fuzzer() {
  local name=$1 dictionary=$root/tests/fuzz/${1%_fuzz}.dict corpus=$root/build/fuzz/corpus/$1
  shift
  mkdir -p "$corpus"
  if [[ -e $dictionary ]]; then set -- "$@" "-dict=$dictionary"; fi
  "$root/build/fuzz/bin/$name" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
    "-artifact_prefix=$root/build/fuzz/$name-" "$@" "$corpus"
}
