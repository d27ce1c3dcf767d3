#!/usr/bin/env bash
# Installs what is missing from Debian's packages. Quick, and silent, when nothing is.
#
#   tools/install_packages.sh KIND...
#   tools/install_packages.sh --list KIND...   only prints the packages
#
# Kinds:
#   build   what compiling the daemon needs
#   test    what the tests need besides
#   check   formatting and static analysis
#   run     what ./run starts besides the daemon
#   bench   what the benchmarks compare with
#
# Works as root, or as a user who may use sudo. No service that a package brings is started or enabled.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

packages_of() {
  case $1 in
    build)
      echo clang-19 lld-19 cmake ninja-build python3 \
        libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev libnghttp2-dev zlib1g-dev libsqlite3-dev libpq-dev librabbitmq-dev libdcmtk-dev \
        prometheus-cpp-dev libspdlog-dev libfmt-dev libcli11-dev libtomlplusplus-dev libbenchmark-dev
      ;;
    test)
      echo libgtest-dev libgmock-dev librapidcheck-dev libclang-rt-19-dev llvm-19 \
        python3 python3-pytest python3-yaml python3-jsonschema python3-pika nghttp2-client \
        orthanc dcmtk postgresql rabbitmq-server chromium curl sqlite3 procps iproute2 nftables docker.io busybox-static git dpkg-dev file
      ;;
    check) echo clang-format-19 clang-tidy-19 python3 ;;
    run) echo orthanc dcmtk curl python3 ;;
    bench) echo nginx wrk nghttp2-client nghttp2-server redis-server etcd-server sqlite3 python3 ;;
    *) die "no kind of packages is called '$1' (build, test, check, run, bench)" ;;
  esac
}

# Services that come with a package. Rollcall uses the programs; a server on every address that starts by itself with
# the machine would be a surprise.
readonly services=(orthanc postgresql rabbitmq-server nginx redis-server etcd docker)

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  else
    command -v sudo >/dev/null || die "must install:$missing_text; run as root, or install sudo"
    sudo "$@"
  fi
}

# Of apt's hundreds of lines, enough to see that it gets on.
show_progress() {
  awk '
    /^Need to get/ { print "    " $0 }
    /^Unpacking/ { if (++unpacked % 40 == 0) print "    " unpacked " packages unpacked" }
    /^Setting up/ { if (++ready % 40 == 0) print "    " ready " packages set up" }
    { fflush() }' >&2
}

# The part that needs root: a policy of "start nothing" for the time of the installation (invoke-rc.d(8)), taken away
# again whatever happens. A mark tells a policy that a killed run has left behind.
install_as_root() {
  readonly policy=/usr/sbin/policy-rc.d mark='# temporary, by rollcall tools/install_packages.sh'
  exec 9>/run/lock/rollcall-install.lock
  flock 9
  restore_policy() {
    if [[ -f $policy ]] && grep -qF "$mark" "$policy"; then rm -f "$policy"; fi
    if [[ -e $policy.rollcall-saved ]]; then mv -f "$policy.rollcall-saved" "$policy"; fi
  }
  restore_policy
  trap restore_policy EXIT
  trap 'exit 130' INT TERM HUP
  if [[ -e $policy ]]; then mv "$policy" "$policy.rollcall-saved"; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
  chmod 755 "$policy"

  local new_services=() service
  for service in "${services[@]}"; do
    [[ " $* " == *" $service"* ]] && ! is_installed "$service" && new_services+=("$service")
  done

  export DEBIAN_FRONTEND=noninteractive
  local apt=(apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  "${apt[@]}" -qq update 9>&-
  "${apt[@]}" -q install --yes --no-install-recommends "$@" 9>&- | show_progress

  for service in ${new_services[@]+"${new_services[@]}"}; do
    if command -v update-rc.d >/dev/null && [[ -e /etc/init.d/$service ]]; then
      update-rc.d "$service" disable >/dev/null 2>&1 || say "could not disable the service $service"
    fi
  done
}

if [[ ${1:-} == --as-root ]]; then
  shift
  install_as_root "$@"
  exit
fi

list_only=false
if [[ ${1:-} == --list ]]; then
  list_only=true
  shift
fi
if [[ $# -eq 0 || $1 == --help ]]; then
  print_help
  exit
fi

wanted=()
for kind in "$@"; do
  list=$(packages_of "$kind")
  read -ra of_kind <<<"$list"
  wanted+=("${of_kind[@]}")
done
mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)
if $list_only; then
  printf '%s\n' "${wanted[@]}"
  exit
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  die "this installs Debian packages, and here is no apt-get. Install what corresponds to: ${wanted[*]}"
fi

missing=()
for package in "${wanted[@]}"; do
  is_installed "$package" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

missing_text=$(printf ' %s' "${missing[@]}")
step "installing${missing_text}"
as_root bash "$root/tools/install_packages.sh" --as-root "${missing[@]}" || die "the installation failed (above)"
for package in "${missing[@]}"; do
  is_installed "$package" || die "$package isn't installed after all; is this Debian 12 (bookworm)?"
done
