#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Start QEMU on what was built, and say how it ended.  Called by `make run`; the settings come in
# the environment: BUILD BOOT CPUS MEM ACCEL APPEND INITRD INIT QEMU QEMU_EXTRA DISPLAY_WINDOW GDB, and
# GDB_SOCKET RUN_ISO, other files than build/gdb/socket and build/run.iso.
set -eu

tools=$(dirname "$0")
BUILD=${BUILD:-build}
BOOT=${BOOT:-auto}
CPUS=${CPUS:-2}
MEM=${MEM:-512M}
QEMU=${QEMU:-qemu-system-x86_64}
size=
if [ -t 0 ] && [ -t 1 ]; then
	size=$(stty size 2>/dev/null | sed -n 's/^\([1-9][0-9]*\) \([1-9][0-9]*\)$/ console_size=\1x\2/p')
fi
cmdline="${DISPLAY_WINDOW:+console=tty0 }console=ttyS0 leave=ctrl-a-x debug_exit=0xf4$size${INIT:+ init=$INIT}${APPEND:+ $APPEND}"

first_file() {
	for f in "$@"; do
		[ -e "$f" ] && { echo "$f"; return; }
	done
}

command -v "$QEMU" >/dev/null || { echo "run: $QEMU is missing: make setup installs it" >&2; exit 1; }
QEMU=$QEMU "$tools/setup.sh" version qemu || exit 1
if [ -n "${INITRD:-}" ] && [ ! -r "$INITRD" ]; then
	echo "run: INITRD=$INITRD cannot be read" >&2
	exit 1
fi
if [ "$BOOT" = auto ]; then
	BOOT=iso
	if ! "$tools/mkiso.sh" check; then
		BOOT=direct
		echo "run: GRUB's image tools are missing or too old, so QEMU starts the kernel directly (make setup installs them)"
	fi
fi

set -- -m "$MEM" -smp "$CPUS" -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=0x04 \
	-serial mon:stdio
[ -n "${DISPLAY_WINDOW:-}" ] || set -- "$@" -display none
case "${ACCEL:-auto}" in
auto) [ "$(QEMU=$QEMU "$tools/setup.sh" kvm)" = kvm ] && set -- "$@" -accel kvm -cpu host ||
	set -- "$@" -accel tcg,thread=multi -cpu max ;;
tcg) set -- "$@" -accel tcg,thread=multi -cpu max ;;
kvm) set -- "$@" -accel kvm -cpu host ;;
*) set -- "$@" -accel "$ACCEL" ;;
esac

if [ "$BOOT" != direct ]; then
	iso=${RUN_ISO:-$BUILD/run.iso}
	"$tools/mkiso.sh" make "$iso" "$BUILD" "$cmdline" ${INITRD:+"$INITRD"}
fi
case "$BOOT" in
iso) set -- "$@" -cdrom "$iso" -boot d ;;
usb) set -- "$@" -device qemu-xhci -drive if=none,id=stick,format=raw,file="$iso" \
	-device usb-storage,drive=stick,bootindex=0 ;;
uefi)
	firmware=$(first_file /usr/share/OVMF/OVMF_CODE.fd /usr/share/edk2/ovmf/OVMF_CODE.fd \
		/usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/edk2/x64/OVMF_CODE.4m.fd \
		/opt/homebrew/share/qemu/edk2-x86_64-code.fd /usr/local/share/qemu/edk2-x86_64-code.fd)
	[ -n "$firmware" ] || { echo "run: no UEFI firmware (OVMF): make setup test installs it" >&2; exit 1; }
	set -- "$@" -drive if=pflash,format=raw,readonly=on,file="$firmware" -cdrom "$iso"
	;;
direct)
	initrd=$BUILD/initramfs.cpio
	if [ -n "${INITRD:-}" ]; then
		# QEMU gives one module: two archives in a row are one (each is padded to 4 bytes).
		cat "$initrd" "$INITRD" > "$BUILD/run.cpio"
		initrd=$BUILD/run.cpio
	fi
	set -- "$@" -kernel "$BUILD/heddle.elf" -initrd "$initrd" -append "$cmdline"
	;;
*) echo "run: BOOT=$BOOT is not one of iso, usb, uefi, direct" >&2; exit 1 ;;
esac

if [ -n "${GDB:-}" ]; then
	mkdir -p "$BUILD/gdb"
	socket=${GDB_SOCKET:-$BUILD/gdb/socket}
	[ ${#socket} -lt 100 ] || socket=/tmp/heddle-gdb-$(id -u)
	rm -f "$socket"
	set -- "$@" -S -chardev socket,id=gdb,path="$socket",server=on,wait=off -gdb chardev:gdb
	echo "The machine stands still and waits for gdb.  In another terminal, in this directory:"
	echo "    gdb -nx -x tools/gdb/heddle.py -ex 'target remote $socket' $BUILD/heddle.elf"
fi

# What a triple fault leaves behind is asked of QEMU before it goes; without Python it just goes.
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
trap 'exit 130' INT TERM HUP
set -- "$@" -d cpu_reset -D "$files/log" -qmp unix:"$files/qmp",server=on,wait=off
"${PYTHON:-python3}" "$tools/last_state.py" "$files/qmp" "$BUILD/heddle.elf" "$files/report" \
	${GDB:+stay} </dev/null >/dev/null 2>"$files/watcher" &
watcher=$!
# A kernel can fall before a slow host has started Python: QEMU keeps the machine if Python is there.
for _ in $(seq 100); do
	kill -0 $watcher 2>/dev/null || break
	[ -e "$files/watches" ] && { set -- "$@" -no-shutdown; break; }
	sleep 0.05
done

echo "To leave: \`poweroff\` in the shell, or Ctrl-A, then X.  QEMU's monitor: Ctrl-A, C."
status=0
# shellcheck disable=SC2086
"$QEMU" "$@" ${QEMU_EXTRA:-} || status=$?
kill $watcher 2>/dev/null || :
case "$status" in
33) echo "run: Heddle ended in order."; exit 0 ;;
35) echo "run: process 1 ended with an error."; exit 2 ;;
37) echo "run: the kernel stopped (see above)."; exit 3 ;;
39) echo "run: Heddle asked for a reset."; exit 0 ;;
0)
	if [ -s "$files/report" ]; then
		echo
		cat "$files/report"
		exit 5
	elif grep -qs "Triple fault" "$files/log"; then
		echo "run: triple fault.  What it left behind could not be read:"
		tail -n 1 "$files/watcher"
		exit 5
	fi
	echo "run: QEMU was left."
	exit 0
	;;
*) echo "run: QEMU failed with status $status."; exit 4 ;;
esac
