#!/usr/bin/env bash
# The image's file system: rootfs.sh PROGRAM OUT.tar. The program, what it links with, and a user of its own.
set -euo pipefail

program=${1:?the program} out=${2:?where the archive goes}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# To the same path, with links followed: what is asked for by a name lies under that name.
put() { install -D --mode "$(stat -Lc %a "$1")" "$1" "$root${2:-$1}"; }

put "$program" /usr/bin/rollcall
strip --strip-unneeded "$root/usr/bin/rollcall"
ldd "$program" | grep -oE '/[^ ]+' | sort -u | while read -r library; do put "$library"; done
put /etc/ssl/certs/ca-certificates.crt
for dictionary in /usr/share/libdcmtk*/dicom.dic; do
  if [[ -e $dictionary ]]; then put "$dictionary"; fi
done

install -d --mode 1777 "$root/tmp"
install -d "$root/etc" "$root/var/lib/rollcall"
printf '%s\n' 'root:x:0:0::/:/nonexistent' 'rollcall:x:10001:10001::/var/lib/rollcall:/nonexistent' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'rollcall:x:10001:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

# Symbolic links of a merged /usr, as the program's loader expects them.
for directory in lib lib64; do
  if [[ -d $root/$directory && -L /$directory ]]; then
    mkdir -p "$root/usr/$directory"
    cp -a "$root/$directory/." "$root/usr/$directory/"
    rm -rf "${root:?}/$directory"
    ln -s "usr/$directory" "$root/$directory"
  fi
done

tar --create --file "$out" --directory "$root" --owner 0 --group 0 --numeric-owner --exclude ./var/lib/rollcall .
tar --append --file "$out" --directory "$root" --owner 10001 --group 10001 --numeric-owner ./var/lib/rollcall
