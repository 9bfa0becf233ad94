#!/bin/sh
# SPDX-License-Identifier: MIT
#
# setup.sh doctor   what is there, what is missing, which package has it, what works without it
# setup.sh setup    install what is missing (asks first, unless root or CI)
#
# Tests for commands and files, not for packages: however they came there, they do.
set -u

mode=${1:-doctor}
manager=
for m in apt-get dnf pacman apk brew; do
	if command -v "$m" >/dev/null 2>&1; then
		manager=$m
		break
	fi
done

# package NEED: its name on this distribution.
package() {
	case "$1:$manager" in
	compiler:apt-get | compiler:dnf) echo "gcc make" ;;
	compiler:pacman) echo "base-devel" ;;
	compiler:apk) echo "build-base" ;;
	compiler:brew) echo "x86_64-elf-gcc make" ;;
	headers:apt-get) echo "libc6-dev" ;;
	headers:dnf) echo "glibc-devel libasan libubsan" ;;
	headers:apk) echo "musl-dev linux-headers" ;;
	headers:*) ;;
	qemu:apt-get | qemu:dnf | qemu:pacman) echo "qemu-system-x86" ;;
	qemu:apk) echo "qemu-system-x86_64" ;;
	qemu:brew) echo "qemu" ;;
	qemu-img:apt-get) echo "qemu-utils" ;;
	qemu-img:brew) echo "qemu" ;;
	qemu-img:*) echo "qemu-img" ;;
	gdb:apt-get) [ "$(uname -m)" = x86_64 ] && echo "gdb" || echo "gdb-multiarch" ;;
	gdb:brew) echo "x86_64-elf-gdb" ;;
	gdb:*) echo "gdb" ;;
	grub:apt-get) echo "grub-common grub-pc-bin grub-efi-amd64-bin" ;;
	grub:dnf) echo "grub2-tools-extra grub2-pc-modules grub2-efi-x64-modules" ;;
	grub:pacman) echo "grub" ;;
	grub:apk) echo "grub grub-bios grub-efi" ;;
	grub:brew) echo "i686-elf-grub" ;;
	image:pacman) echo "libisoburn mtools" ;;
	image:*) echo "xorriso mtools" ;;
	uefi:apt-get | uefi:apk) echo "ovmf" ;;
	uefi:dnf | uefi:pacman) echo "edk2-ovmf" ;;
	uefi:brew) echo "qemu" ;;
	libc:apt-get) echo "musl-dev musl-tools" ;;
	libc:dnf) echo "musl-devel musl-gcc" ;;
	libc:pacman) echo "musl" ;;
	libc:apk) echo "musl-dev" ;;
	libc:brew) echo "filosottile/musl-cross/musl-cross" ;;
	busybox:apt-get | busybox:apk) echo "busybox-static" ;;
	busybox:*) echo "busybox" ;;
	python:apt-get) echo "python3" ;;
	python:*) echo "python3" ;;
	pytest:apt-get | pytest:dnf) echo "python3-pytest python3-pexpect" ;;
	pytest:pacman) echo "python-pytest python-pexpect" ;;
	pytest:apk) echo "py3-pytest py3-pexpect" ;;
	pytest:brew) echo "pytest" ;;
	tmux:*) echo "tmux" ;;
	browser:apt-get | browser:dnf | browser:pacman | browser:apk | browser:brew) echo "chromium" ;;
	esac
}

any() {
	for c in "$@"; do
		command -v "$c" >/dev/null 2>&1 && return 0
	done
	return 1
}

any_file() {
	for f in "$@"; do
		[ -e "$f" ] && return 0
	done
	return 1
}

has() {
	case "$1" in
	compiler) any gcc clang x86_64-elf-gcc x86_64-linux-gnu-gcc && any make gmake ;;
	headers) any_file /usr/include/stdio.h /Library/Developer/CommandLineTools ;;
	qemu) any qemu-system-x86_64 ;;
	qemu-img) any qemu-img ;;
	gdb) for g in gdb gdb-multiarch x86_64-elf-gdb; do
			"$g" -nx -batch -ex "set architecture i386:x86-64" -ex "python print(gdb.VERSION)" \
				>/dev/null 2>&1 && return 0
		done
		return 1 ;;
	grub) any grub-mkrescue grub2-mkrescue i686-elf-grub-mkrescue &&
		any_file /usr/lib/grub/i386-pc /usr/share/grub2/i386-pc /usr/lib/grub2/i386-pc \
			/opt/homebrew/lib/grub /usr/local/lib/grub ;;
	image) any xorriso && any mformat ;;
	uefi) any_file /usr/share/OVMF/OVMF_CODE.fd /usr/share/OVMF/OVMF_CODE_4M.fd \
		/usr/share/edk2/x64/OVMF_CODE.4m.fd /usr/share/edk2/ovmf/OVMF_CODE.fd \
		/opt/homebrew/share/qemu/edk2-x86_64-code.fd /usr/local/share/qemu/edk2-x86_64-code.fd ;;
	libc) any musl-gcc x86_64-linux-musl-gcc || { [ "$manager" = apk ] && any gcc; } ;;
	busybox) any busybox busybox.static ;;
	python) any python3 ;;
	pytest) /usr/bin/python3 -c 'import pytest, pexpect' 2>/dev/null ||
		python3 -c 'import pytest, pexpect' 2>/dev/null ;;
	tmux) any tmux ;;
	browser) any chromium chromium-browser google-chrome ;;
	esac
}

what() {
	case "$1" in
	compiler) echo "C compiler and make|nothing can be built" ;;
	headers) echo "C headers of this machine|no unit tests on this machine" ;;
	gdb) echo "gdb with Python|no make gdb" ;;
	qemu-img) echo "qemu-img|no make gdb REPLAY=1" ;;
	qemu) echo "QEMU for x86_64|only real machines can run it" ;;
	grub) echo "GRUB's image tools|make run boots the kernel directly; no ISO, no USB stick" ;;
	image) echo "xorriso and mtools|no ISO, no USB stick" ;;
	uefi) echo "UEFI firmware (OVMF)|no BOOT=uefi" ;;
	libc) echo "musl C library|no init and no programs of our own: only BusyBox as init" ;;
	busybox) echo "BusyBox, static|no shell" ;;
	python) echo "Python 3|no symbols in backtraces, no display font, no tests" ;;
	pytest) echo "pytest and pexpect|no system tests" ;;
	tmux) echo "tmux|no test of gdb's text interface; the machine's console not beside gdb" ;;
	browser) echo "Chromium|no test of the pages that make trace and make report write" ;;
	esac
}

needs="compiler headers qemu qemu-img gdb grub image uefi libc busybox python pytest tmux browser"

# The device's existence proves nothing, nor that QEMU opens it: a machine must run within a time
# limit.  Our kernel, if it is built, must boot and end; else the firmware must say its name.
kvm_works() {
	[ -w /dev/kvm ] && any qemu-system-x86_64 && any timeout || return 1
	elf=${BUILD:-build}/heddle.elf
	if [ -e "$elf" ]; then
		timeout 10 qemu-system-x86_64 -accel kvm -cpu host -display none -nodefaults -no-reboot \
			-device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel "$elf" \
			-append "selftest=nothing-at-all debug_exit=0xf4" >/dev/null 2>&1
		[ $? = 33 ]
	else
		timeout 10 qemu-system-x86_64 -accel kvm -display none -nodefaults -debugcon stdio \
			-global isa-debugcon.iobase=0x402 2>/dev/null </dev/null | head -c 7 |
			grep -q SeaBIOS
	fi
}

missing=
for n in $needs; do
	has "$n" || missing="$missing $n"
done

if [ "$mode" = kvm ]; then
	kvm_works && echo kvm || echo tcg
	exit 0
fi

if [ "$mode" = doctor ]; then
	for n in $needs; do
		w=$(what "$n")
		if has "$n"; then
			printf '  ok       %s\n' "${w%%|*}"
		else
			printf '  MISSING  %-28s package: %s\n           without it: %s\n' "${w%%|*}" \
				"$(package "$n")" "${w#*|}"
		fi
	done
	if kvm_works; then
		echo "  ok       KVM works: make run uses it"
	elif [ -e /dev/kvm ]; then
		echo "  note     /dev/kvm exists but does not run a machine: QEMU emulates (slower, all works)"
	else
		echo "  note     no KVM: QEMU emulates (slower, all works)"
	fi
	if [ -z "$missing" ]; then
		echo "Everything is there."
	else
		echo "Install what is missing with: make setup"
	fi
	exit 0
fi

if [ -z "$missing" ]; then
	echo "setup: everything is there already"
	exit 0
fi
if [ -z "$manager" ]; then
	echo "setup: no known package manager (apt-get, dnf, pacman, apk, brew). Needed:$missing" >&2
	exit 1
fi
packages=
for n in $missing; do
	packages="$packages $(package "$n")"
done
case "$manager" in
apt-get) command="apt-get install -y --no-install-recommends $packages" ;;
dnf) command="dnf install -y $packages" ;;
pacman) command="pacman -S --needed --noconfirm $packages" ;;
apk) command="apk add $packages" ;;
brew) command="brew install $packages" ;;
esac
as_root=
if [ "$(id -u)" != 0 ] && [ "$manager" != brew ]; then
	as_root=sudo
fi
echo "setup: missing:$missing"
echo "setup: $as_root $command"
if [ "$(id -u)" != 0 ] && [ -z "${CI:-}" ]; then
	printf 'Install these now? [y/N] '
	read -r answer
	case "$answer" in
	y* | Y*) ;;
	*)
		echo "Nothing was installed."
		exit 1
		;;
	esac
fi
if [ "$manager" = apt-get ]; then
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	$as_root apt-get update -qq || echo "setup: apt-get update failed; trying with the lists at hand"
fi
# shellcheck disable=SC2086
$as_root $command || {
	echo "setup: the package manager failed" >&2
	exit 1
}
for n in $missing; do
	has "$n" || echo "setup: still missing after installation: $n"
done
echo "setup: done"
