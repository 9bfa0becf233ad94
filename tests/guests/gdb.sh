#!/bin/sh
# SPDX-License-Identifier: MIT
# gdb in the guest, by itself and with gdbserver at the other end of a pipe.
cd /tmp || exit 1
export LC_ALL=C
program=/tests/guest/gdb
g() {
	timeout 60 gdb -nx -q -batch -iex 'set debuginfod enabled off' -iex 'set startup-with-shell off' \
		-iex 'set auto-load off' "$@" 2>&1 | sed -E 's/0x[0-9a-f]+/ADDRESS/g'
}
g --version | head -n 1
g -ex 'break work' -ex run -ex 'print number > 0' -ex 'bt 1' -ex delete -ex continue $program |
	grep -oE 'Breakpoint 1, |\$1.*|#0  work|counter.*|exited with.*'
g -ex 'break work if number == 3' -ex run -ex 'print number' -ex finish -ex delete -ex continue $program |
	grep -oE '\$.*|Value.*|counter.*|exited with.*'
g -ex 'break work if number == 2' -ex run -ex 'thread apply all print counter >= 0' -ex delete -ex continue $program |
	grep -oE '= 1|counter.*|exited with.*' | sort -u
g -ex 'watch counter' -ex run -ex continue -ex continue -ex continue $program | grep -cE '^(Old|New) value'
g -ex 'catch syscall exit_group' -ex run -ex 'print counter' -ex kill $program | grep -oE 'call to syscall.*|\$1.*'
g -ex starti -ex stepi -ex stepi -ex 'print $pc != 0' -ex 'set var $rax = 77' -ex 'print $rax' \
	-ex 'print $mxcsr' -ex kill $program | grep '\$'
g -ex "target remote | gdbserver --once - $program" -ex 'break work' -ex continue -ex 'print number > 0' \
	-ex delete -ex continue $program | grep -oE 'Breakpoint 1, |\$1.*|counter.*|exited with.*'
busybox sleep 100 & g -p $! -ex 'print $_exitcode' -ex detach | tail -n 1 | sed -E 's/process [0-9]+/process N/'
{ kill $!; wait $!; } 2> /dev/null; echo "attached, then ended $?"
