#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mkinitramfs.sh OUT STAGE PROGRAM...   pack the RAM file system: BusyBox with its applets, our init,
# the programs given (DIR=path: into that directory), and the few files in user/etc and user/bin.
#
# STAGE is made anew.  The archive is packed by BusyBox's own cpio, in sorted order.
set -eu

mkdir -p "$(dirname "$1")"
out=$(cd "$(dirname "$1")" && pwd)/$(basename "$1") stage=$2
shift 2
here=$(dirname "$0")/..
rm -rf "$stage"
mkdir -p "$stage/bin" "$stage/sbin" "$stage/etc" "$stage/root" "$stage/tests" "$stage/labs/pages" "$stage/usr/bin" \
	"$stage/usr/sbin" "$stage/var/run" "$stage/mnt" "$stage/home/user"
chmod 755 "$stage"

busybox=
for b in /bin/busybox.static /usr/bin/busybox /bin/busybox; do
	if [ -x "$b" ] && ! { command -v file >/dev/null && file -L "$b" | grep -q dynamic; }; then
		busybox=$b
		break
	fi
done
[ -n "$busybox" ] || { echo "mkinitramfs: no static BusyBox: make setup installs it" >&2; exit 1; }
cp "$busybox" "$stage/bin/busybox"
for applet in $("$busybox" --list-full); do
	case "$applet" in
	*busybox) continue ;;
	esac
	mkdir -p "$stage/$(dirname "$applet")"
	ln -sf /bin/busybox "$stage/$applet"
done
for program in "$@"; do
	case "$program" in
	*=*)
		mkdir -p "$stage/${program%%=*}"
		to=$stage/${program%%=*}/$(basename "$program")
		;;
	*) to=$stage/$(basename "$program") ;;
	esac
	# Without symbols: the debugger has them from the build directory.
	strip -o "$to" "${program#*=}" 2>/dev/null || cp "${program#*=}" "$to"
done
cp -R "$here/user/etc/." "$stage/etc/"
cp "$here/user/bin/"* "$stage/bin/"
cd "$stage"
# All is root's, except the home of the user in user/etc/passwd.
{
	find . ! -path "./home/user*" | LC_ALL=C sort | "$busybox" cpio -o -H newc -R 0:0
	find ./home/user | LC_ALL=C sort | "$busybox" cpio -o -H newc -R 1000:1000
} > "$out.new" 2>/dev/null
mv "$out.new" "$out"
