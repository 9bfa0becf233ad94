#!/bin/sh
# SPDX-License-Identifier: MIT
#
# setup.sh doctor            what is there, what is missing, which package has it, what works without it
# setup.sh setup [GOAL...]   install what is missing (asks first, unless root or CI): what running
#                            needs; for the goals gdb, book, labs-host and test also what those need
# setup.sh kvm               print kvm if it works here, else tcg; tried once, kept in $BUILD/kvm
# setup.sh version QEMU      fail with a message if this QEMU is too old; setup.sh version grub PROGRAM
#
# It looks for commands and files, not for packages: how they were installed does not matter.
set -u

# To add a package: its need goes into one of these sets and gets a line in package(), has() and what().
for_running="compiler qemu grub image libc busybox python"
for_gdb="gdb qemu-img"
for_host="headers"
for_book="pandoc pygments"
for_tests="$for_gdb $for_host $for_book uefi pytest xdist tmux browser driver trace-cmd zbar keymaps ccache bochs spin fuzzer"
# Setup fails without these; it goes on without the others, and says what does not work then.
required="compiler qemu libc busybox python"

# QEMU 4.0 is the first that starts a PVH kernel (BOOT=direct); GRUB 2.02 the first whose
# grub-mkrescue takes --install-modules.
least_qemu=4.0
least_grub=2.02

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
	xdist:apt-get | xdist:dnf) echo "python3-pytest-xdist" ;;
	xdist:pacman) echo "python-pytest-xdist" ;;
	xdist:apk) echo "py3-pytest-xdist" ;;
	tmux:*) echo "tmux" ;;
	browser:apt-get | browser:dnf | browser:pacman | browser:apk | browser:brew) echo "chromium" ;;
	driver:apt-get) echo "chromium-driver" ;;
	driver:dnf | driver:brew) echo "chromedriver" ;;
	driver:apk) echo "chromium-chromedriver" ;;
	driver:*) ;;
	pandoc:*) echo "pandoc" ;;
	pygments:apt-get | pygments:dnf) echo "python3-pygments" ;;
	pygments:pacman) echo "python-pygments" ;;
	pygments:apk) echo "py3-pygments" ;;
	pygments:brew) echo "pygments" ;;
	trace-cmd:apt-get | trace-cmd:dnf | trace-cmd:apk) echo "trace-cmd" ;;
	keymaps:apt-get) echo "kbd console-data" ;;
	keymaps:*) echo "kbd" ;;
	zbar:apt-get) echo "zbar-tools" ;;
	zbar:*) echo "zbar" ;;
	ccache:*) echo "ccache" ;;
	spin:*) echo "spin" ;;
	fuzzer:apt-get) echo "clang libclang-rt-14-dev" ;;
	fuzzer:dnf | fuzzer:pacman | fuzzer:apk) echo "clang compiler-rt" ;;
	fuzzer:brew) echo "llvm" ;;
	bochs:apt-get) echo "bochs bochsbios vgabios" ;;
	bochs:*) echo "bochs" ;;
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
	qemu) any "${QEMU:-qemu-system-x86_64}" && recent qemu ;;
	qemu-img) any qemu-img ;;
	gdb) for g in gdb gdb-multiarch x86_64-elf-gdb; do
			"$g" -nx -batch -ex "set architecture i386:x86-64" -ex "python print(gdb.VERSION)" \
				>/dev/null 2>&1 && return 0
		done
		return 1 ;;
	grub) recent grub &&
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
	xdist) /usr/bin/python3 -c 'import xdist' 2>/dev/null || python3 -c 'import xdist' 2>/dev/null ;;
	tmux) any tmux ;;
	browser) any chromium chromium-browser google-chrome ;;
	driver) any chromedriver ;;
	pandoc) any pandoc ;;
	pygments) /usr/bin/python3 -c 'import pygments' 2>/dev/null ||
		python3 -c 'import pygments' 2>/dev/null ;;
	trace-cmd) any trace-cmd ;;
	zbar) any zbarimg ;;
	ccache) any ccache ;;
	spin) any spin ;;
	fuzzer) any clang && any_file /usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer*.a \
		/usr/lib*/clang/*/lib/*/libclang_rt.fuzzer*.a /opt/homebrew/opt/llvm/lib/clang/*/lib/darwin ;;
	bochs) any bochs && any_file /usr/share/bochs/BIOS-bochs-latest ;;
	keymaps) PATH=$PATH:/sbin:/usr/sbin any loadkeys && any_file /usr/share/keymaps/i386 /usr/share/kbd/keymaps ;;
	esac
}

what() {
	case "$1" in
	compiler) echo "C compiler and make|nothing can be built" ;;
	headers) echo "C headers of this machine|no unit tests on this machine" ;;
	gdb) echo "gdb with Python|no make gdb (make setup gdb installs it)" ;;
	qemu-img) echo "qemu-img|no make gdb REPLAY=1" ;;
	qemu) echo "QEMU for x86_64|only real machines can run it" ;;
	grub) echo "GRUB's image tools|make run boots the kernel directly; no ISO, no USB stick" ;;
	image) echo "xorriso and mtools|no ISO, no USB stick" ;;
	uefi) echo "UEFI firmware (OVMF)|no BOOT=uefi" ;;
	libc) echo "musl C library|no init and no programs of our own: only BusyBox as init" ;;
	busybox) echo "BusyBox, static|no shell" ;;
	python) echo "Python 3|nothing can be built" ;;
	pytest) echo "pytest and pexpect|no system tests" ;;
	xdist) echo "pytest-xdist|make test takes twice as long: one test after the other" ;;
	tmux) echo "tmux|no test of gdb's text interface; the machine's console not beside gdb" ;;
	browser) echo "Chromium|no test of the pages that make trace, report and drive-page write" ;;
	driver) echo "chromedriver|no test that drives a browser" ;;
	pandoc) echo "pandoc|no make book (make setup book installs it)" ;;
	pygments) echo "Pygments|no colours in the sources of make book" ;;
	trace-cmd) echo "trace-cmd|no test of the trace.dat that make trace writes" ;;
	keymaps) echo "keyboard layouts|the console has the US layout alone (make setup iso installs them)" ;;
	spin) echo "spin|no exploration of the models of protocols (make models)" ;;
	fuzzer) echo "clang with libFuzzer and sanitizers|no make fuzz-host, and no test of it" ;;
	ccache) echo "ccache|test_core.py takes three times as long" ;;
	bochs) echo "Bochs with its BIOS|no cells of Bochs in make test-machines" ;;
	zbar) echo "zbarimg|no test of the code that the screen shows after a panic" ;;
	esac
}

# version_of qemu|grub: the number that the program prints; nothing if there is no such program.
version_of() {
	case "$1" in
	qemu) "${QEMU:-qemu-system-x86_64}" --version 2>/dev/null | sed -n '1s/^.*version \([0-9][0-9.]*\).*/\1/p' ;;
	grub) for g in ${2:-grub-mkrescue grub2-mkrescue i686-elf-grub-mkrescue}; do
			"$g" --version 2>/dev/null | sed -n '1s/^.*) \([0-9][0-9.]*\).*/\1/p' | grep . && return
		done ;;
	esac
}

# recent qemu|grub: it is there, and new enough.
recent() {
	found=$(version_of "$@")
	[ "$1" = qemu ] && least=$least_qemu || least=$least_grub
	[ -n "$found" ] && [ "$(printf '%s\n%s\n' "$least" "$found" | sort -t. -k1,1n -k2,2n | head -1)" = "$least" ]
}

# The device's existence proves nothing, nor does that QEMU opens it: a machine must run within a time
# limit.  Our kernel, if it is built, must boot and end; else the firmware must say its name.
kvm_try() {
	elf=${BUILD:-build}/heddle.elf
	if [ -e "$elf" ]; then
		timeout 10 "$qemu" -accel kvm -cpu host -display none -nodefaults -no-reboot \
			-device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel "$elf" \
			-append "selftest=nothing-at-all debug_exit=0xf4" >/dev/null 2>&1 </dev/null
		[ $? = 33 ]
	else
		timeout 10 "$qemu" -accel kvm -cpu host -display none -nodefaults -debugcon stdio \
			-global isa-debugcon.iobase=0x402 2>/dev/null </dev/null | head -c 7 |
			grep -q SeaBIOS
	fi
}

# Tried once for each start of this machine, version of QEMU and way to try; the answer is kept.
kvm_works() {
	qemu=${QEMU:-qemu-system-x86_64}
	device=${KVM_DEVICE:-/dev/kvm}
	kept=${BUILD:-build}/kvm
	[ -w "$device" ] && any "$qemu" && any timeout || return 1
	[ -e "${BUILD:-build}/heddle.elf" ] && way=kernel || way=firmware
	boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || uname -a)
	key="$(uname -n) $boot QEMU $(version_of qemu) $way"
	if [ "$(sed 1q "$kept" 2>/dev/null)" != "$key" ]; then
		echo "$mode: trying once if KVM works here, for at most 10 s; ACCEL=tcg does without" >&2
		kvm_try 2>/dev/null && answer=kvm || answer=tcg
		mkdir -p "$(dirname "$kept")" && printf '%s\n%s\n' "$key" "$answer" >"$kept"
		[ "$answer" = kvm ] && echo "$mode: KVM works" >&2 ||
			echo "$mode: KVM does not work here: QEMU emulates (slower, all works)." >&2
		echo "$mode: the answer is kept in $kept; to try again, remove that file" >&2
	fi
	[ "$(sed -n 2p "$kept")" = kvm ]
}

if [ "$mode" = kvm ]; then
	mode=run
	kvm_works && echo kvm || echo tcg
	exit 0
fi

if [ "$mode" = version ]; then
	[ "$2" = qemu ] && name=QEMU || name="GRUB (${3:-grub-mkrescue})"
	shift
	recent "$@" && exit 0
	if [ -n "$found" ]; then
		echo "$name is version $found; Heddle needs at least $least" >&2
	else
		echo "$name does not print its version; Heddle needs at least $least" >&2
	fi
	exit 1
fi

if [ "$mode" = doctor ]; then
	absent=
	for n in $for_running $for_tests; do
		w=$(what "$n")
		case "$n" in
		qemu | grub) version=$(version_of "$n") ;;
		*) version= ;;
		esac
		if has "$n"; then
			printf '  ok       %s%s\n' "${w%%|*}" "${version:+ ($version)}"
			continue
		fi
		absent=yes
		case "$n:$version" in
		qemu:?* | grub:?*) recent "$n" || w="${w%%|*} $version is too old, $least is needed|${w#*|}" ;;
		esac
		printf '  MISSING  %-28s package: %s\n           without it: %s\n' "${w%%|*}" \
			"$(package "$n")" "${w#*|}"
	done
	if kvm_works; then
		echo "  ok       KVM works: make run uses it"
	elif [ -w "${KVM_DEVICE:-/dev/kvm}" ] && [ -e "$kept" ]; then
		echo "  note     /dev/kvm is there but does not run a machine: QEMU emulates (slower, all works)"
	elif [ -e "${KVM_DEVICE:-/dev/kvm}" ]; then
		echo "  note     /dev/kvm is not writable for you (group kvm?): QEMU emulates (slower, all works)"
	else
		echo "  note     no KVM: QEMU emulates (slower, all works)"
	fi
	[ -e "${kept:-}" ] && echo "           tried once, kept in $kept; to try again: rm $kept"
	if [ -z "$absent" ]; then
		echo "Everything is there."
	else
		echo "Install what running needs with: make setup; the rest with: make setup test"
	fi
	exit 0
fi

[ "$mode" = setup ] || { echo "setup: '$mode' is not one of doctor, setup, kvm, version" >&2; exit 1; }
[ $# -gt 0 ] && shift
needs=$for_running
for goal in "$@"; do
	case "$goal" in
	test) needs="$for_running $for_tests" required="$required pytest" ;;
	gdb) needs="$needs $for_gdb" required="$required gdb" ;;
	book) needs="$needs $for_book" required="$required pandoc" ;;
	iso | usb) needs="$needs keymaps" ;;
	labs-host) needs="$needs $for_host" required="$required headers" ;;
	esac
done

missing=
for n in $needs; do
	case " $missing " in *" $n "*) continue ;; esac
	has "$n" || missing="$missing $n"
done
more="setup: what only the tests need is installed by: make setup test"
case " $* " in *" test "*) more= ;; esac
if [ -z "$missing" ]; then
	echo "setup: everything is there already"
	[ -z "$more" ] || echo "$more"
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
apt-get) command="apt-get install -y --no-install-recommends" ;;
dnf) command="dnf install -y" ;;
pacman) command="pacman -S --needed --noconfirm" ;;
apk) command="apk add" ;;
brew) command="brew install" ;;
esac
as_root=
if [ "$(id -u)" != 0 ] && [ "$manager" != brew ]; then
	as_root=sudo
fi
echo "setup: missing:$missing"
echo "setup: ${as_root:+$as_root }$command$packages"
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
	as_root="$as_root env DEBIAN_FRONTEND=noninteractive"
	$as_root apt-get update -qq || echo "setup: apt-get update failed; trying with the lists at hand"
fi
# shellcheck disable=SC2086
$as_root $command $packages || {
	echo "setup: not all at once, so one by one"
	for p in $packages; do
		$as_root $command "$p" || echo "setup: no package $p could be installed" >&2
	done
}
status=0
for n in $missing; do
	has "$n" && continue
	w=$(what "$n")
	case " $required " in
	*" $n "*)
		echo "setup: still missing: ${w%%|*}; without it: ${w#*|}" >&2
		status=1
		;;
	*) echo "setup: went on without ${w%%|*}: ${w#*|}" ;;
	esac
done
[ $status = 0 ] && echo "setup: done"
[ -z "$more" ] || echo "$more"
exit $status
