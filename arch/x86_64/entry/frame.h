/* SPDX-License-Identifier: MIT
 *
 * For assembly: building and removing a struct trap_frame.
 */
#pragma once

#include "arch/x86_64/cpu/cfi.h"
#include "asm_offsets.h"

/* A stub and the processor have pushed the part of struct trap_frame from `vector` on.  STUB(): the
 * offset of a member in this part.  STUB_SIZE: its size. */
#define STUB(offset) ((offset)-FRAME_VECTOR)
#define STUB_SIZE    (FRAME_SIZE-FRAME_VECTOR)

/* Begin a function to which the processor came by pushing ss, rsp, rflags, cs and rip; `bytes` of
 * the frame have been pushed in all. */
.macro CFI_FRAME bytes
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa	%rsp, \bytes
	.cfi_offset	%rip, FRAME_RIP - FRAME_SIZE
	.cfi_offset	%rsp, FRAME_RSP - FRAME_SIZE
.endm

.macro PUSH_CALLEE_SAVED
	PUSH	rbx
	PUSH	rbp
	PUSH	r12
	PUSH	r13
	PUSH	r14
	PUSH	r15
.endm

.macro PUSH_REGISTERS
	PUSH	rdi
	PUSH	rsi
	PUSH	rdx
	PUSH	rcx
	PUSH	rax
	PUSH	r8
	PUSH	r9
	PUSH	r10
	PUSH	r11
	PUSH_CALLEE_SAVED
.endm

.macro POP_REGISTERS
	POP	r15
	POP	r14
	POP	r13
	POP	r12
	POP_REGISTERS_OF_CALL
.endm

/* Without r12 to r15, which a C function preserves. */
.macro POP_REGISTERS_OF_CALL
	POP	rbp
	POP	rbx
	POP	r11
	POP	r10
	POP	r9
	POP	r8
	POP	rax
	POP	rcx
	POP	rdx
	POP	rsi
	POP	rdi
.endm

.macro POP_VECTOR_AND_ERROR
	addq	$STUB(FRAME_RIP), %rsp
	.cfi_adjust_cfa_offset -STUB(FRAME_RIP)
.endm

/* Push a value that is not in its own register. */
.macro PUSH_VALUE value
	pushq	\value
	.cfi_adjust_cfa_offset 8
.endm

/* Begin a function with a complete trap frame on the stack. */
.macro CFI_WHOLE_FRAME
	CFI_FRAME FRAME_SIZE
	.set	at, FRAME_VECTOR - FRAME_SIZE
	.irp	reg, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
	.set	at, at - 8
	.cfi_offset %\reg, at
	.endr
.endm

/* Clear registers, so that speculatively executed kernel code cannot use values that the user has
 * chosen.  rbx and rbp are not cleared here: callers clear rbp when they come from user mode, which
 * also ends the chain of frames for backtraces. */
.macro CLEAR_REGISTERS
	xorl	%esi, %esi
	xorl	%edx, %edx
	xorl	%ecx, %ecx
	xorl	%eax, %eax
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
.endm

/* Interrupts and exceptions do not change AC, and AC set by the user would disable SMAP in the
 * kernel (SDM 3A 4.6).  For SYSCALL, SFMASK clears it. */
.macro CLEAR_AC
	cmpb	$0, smap_enabled(%rip)
	je	.Lno_smap\@
	clac
.Lno_smap\@:
.endm
