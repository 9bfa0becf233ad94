/* SPDX-License-Identifier: MIT
 *
 * Segments, task-state segments and gates.  Each CPU has its own GDT and TSS; all CPUs share one
 * IDT.  SYSCALL and SYSRET require this order of the segments (SDM 3A 5.8.8).  The selectors are
 * the same as in Linux, because programs see them in signal frames and some use them to run 32-bit
 * code.
 */
#pragma once

#include "kernel/lib/base.h"

#define SELECTOR_KERNEL_CODE 0x10
#define SELECTOR_KERNEL_DATA 0x18
#define SELECTOR_USER_CODE32 0x23
#define SELECTOR_USER_DATA   0x2b
#define SELECTOR_USER_CODE   0x33
#define SELECTOR_TSS	     0x40

/* Interrupt-stack-table slots. */
#define IST_DOUBLE_FAULT  1
#define IST_NMI		  2
#define IST_MACHINE_CHECK 3
#define IST_DEBUG	  4

/* Exceptions (SDM 3A table 6-1), then interrupts of devices, then those that the kernel sends
 * itself.  An enumeration, so that gdb reads them from the debug information. */
enum vector {
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3,
	VECTOR_OVERFLOW = 4,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_PROTECTION = 13,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_MACHINE_CHECK = 18,
	VECTOR_IRQ_BASE = 0x30,
	VECTOR_IRQ_LAST = 0xdf,
	VECTOR_TIMER = 0xf0,
	VECTOR_RESCHEDULE = 0xf1,
	VECTOR_CALL = 0xf2,
	VECTOR_SPURIOUS = 0xff,
};

#define IST_STACK_SIZE 8192 /* bytes of each of the four; a panic report must fit on them */

/* The argument of descriptors_init_cpu() on the boot CPU. */
extern const u64 boot_ist_stacks[4];

/* Build and load the GDT and TSS of the calling CPU.  `ist_stacks`: the tops of this CPU's stacks
 * for double fault, NMI, machine check and debug exceptions.  Loads all segment registers and
 * preserves GS base. */
void descriptors_init_cpu(const u64 ist_stacks[4]);

/* Fill the IDT with the addresses of 256 entry points, of which each has `stub_bytes`, and load it.
 * User mode may raise vectors 3 and 4 by INT. */
void idt_init(u64 stub, u32 stub_bytes);

/* Load the IDT on another CPU. */
void idt_load(void);

/* Set the kernel stack that the processor uses on a trap from user mode: RSP0 in the TSS of the
 * calling CPU. */
void tss_set_kernel_stack(u64 top);
