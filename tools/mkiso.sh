#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mkiso.sh check                                   are GRUB's image tools here?
# mkiso.sh make OUT BUILD CMDLINE [ARCHIVE...]     a GRUB image for CD and USB stick, BIOS and UEFI
set -eu

mkrescue=
for c in grub-mkrescue grub2-mkrescue i686-elf-grub-mkrescue; do
	command -v "$c" >/dev/null 2>&1 && { mkrescue=$c; break; }
done
setup=$(dirname "$0")/setup.sh
if [ "$1" = check ]; then
	[ -n "$mkrescue" ] && command -v xorriso >/dev/null 2>&1 && "$setup" version grub "$mkrescue"
	exit
fi
out=$2 build=$3 cmdline=$4
shift 4
[ -n "$mkrescue" ] || { echo "mkiso: grub-mkrescue is missing: make setup installs it" >&2; exit 1; }
"$setup" version grub "$mkrescue" || exit 1
command -v mformat >/dev/null 2>&1 ||
	echo "mkiso: mtools is missing: the image will not boot under UEFI" >&2

tree=$(mktemp -d "$build/iso.XXXXXX")
trap 'rm -rf "$tree" "$tree.log" "$tree.words" "$out.$$"' EXIT
mkdir -p "$tree/boot/grub"
cp "$build/heddle.elf" "$build/initramfs.cpio" "$tree/boot/"
extra=
n=0
for archive in "$@"; do
	n=$((n + 1))
	cp "$archive" "$tree/boot/extra$n.cpio"
	extra="$extra	module2 /boot/extra$n.cpio\n"
done
# The command line goes into GRUB's quoting as it is, but for what GRUB itself would expand.
safe=$(printf '%s' "$cmdline" | sed 's/[\\&|]/\\&/g; s/\$/\\\\$/g')
layouts=
for map in "$build"/keymaps/*.bmap; do
	[ -e "$map" ] || continue
	name=$(basename "$map" .bmap)
	layouts="$layouts	menuentry \"keymap=$name\" {\n\t\theddle keymap=$name\n\t}\n"
done
without=
[ -n "$layouts" ] || without='/^submenu.*keyboard layout/,/^}/d'
sed -e "$without" -e "s|@KEYMAPS@|$layouts|" -e "s|@CMDLINE@|$safe|g" -e "s|@EXTRA@|$extra|g" -e "s/@TIMEOUT@/${TIMEOUT:-0}/" "$(dirname "$0")/../iso/grub.cfg" \
	> "$tree/boot/grub/grub.cfg"
# Only what the menu needs: 5 MB instead of 20.  Some BIOSes start no stick without an active partition in
# its MBR: --mbr-force-bootable makes the log's partition active, as the entry that covers the GPT must not be.
python=/usr/bin/python3
[ -x $python ] || python=python3
$python "$(dirname "$0")/mklog.py" "$tree.log" || exit 1
# A machine that has the old image open keeps it.
"$mkrescue" -o "$out.$$" --fonts= --locales= --themes= \
	--install-modules="multiboot2 normal test iso9660 fat part_msdos part_gpt part_apple search search_fs_file all_video videoinfo memrw regexp" \
	--mbr-force-bootable "$tree" -append_partition 2 0x0c "$tree.log" >"$tree.words" 2>&1 || { cat "$tree.words" >&2; exit 1; }
mv -f "$out.$$" "$out"
