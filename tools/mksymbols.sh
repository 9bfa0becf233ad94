#!/bin/sh
# SPDX-License-Identifier: MIT
#
# From the first link of the kernel, write the assembly of its table of function names
# (kernel/watch/panic/symbols.c) to standard output.  The table goes behind the code, so the addresses are
# the same in the second link.
#
# usage: mksymbols.sh heddle.elf      (NM= chooses the tool)
set -eu
LC_ALL=C
export LC_ALL
"${NM:-nm}" "$1" | grep -i '^ffffffff[0-9a-f]* [tw] [A-Za-z_]' | sort -u -k 1,1 | awk '
BEGIN { print "\t.section .symbols, \"a\", @progbits\n\t.balign 8" }
{
	printf "\t.quad 0x%s, .Lname%d\n", $1, NR
	name[NR] = $3
}
END {
	print "\t.section .rodata.symbols, \"a\", @progbits"
	for (i = 1; i <= NR; i++)
		printf ".Lname%d:\t.asciz \"%s\"\n", i, name[i]
	print "\t.section .note.GNU-stack, \"\", @progbits"
}'
