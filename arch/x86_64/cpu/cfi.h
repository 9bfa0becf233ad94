/* SPDX-License-Identifier: MIT
 *
 * For assembly: push and pop a register, and tell the debugger where its value is now (call-frame
 * information, DWARF 5 section 6.4).
 */
#pragma once

.macro PUSH reg
	pushq	%\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %\reg, 0
.endm

.macro POP reg
	popq	%\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore %\reg
.endm
