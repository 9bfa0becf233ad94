/* SPDX-License-Identifier: MIT
 *
 * Segments, task-state segments and gates: GDT, TSS, IDT, one GDT and TSS a CPU, one IDT for all.
 * The order of the segments is what SYSCALL and SYSRET want (SDM 3A 5.8.8), the numbers are those of
 * Linux: programs see them in signal frames, and some jump by them to 32-bit code.
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

/* Exceptions (SDM 3A table 6-1); above them device interrupts by I/O APIC, then our own.  An
 * enumeration, so that gdb reads them from the debug information. */
enum vector {
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_MACHINE_CHECK = 18,
	VECTOR_IRQ_BASE = 0x30,
	VECTOR_IRQ_LAST = 0xdf,
	VECTOR_TIMER = 0xf0,
	VECTOR_RESCHEDULE = 0xf1,
	VECTOR_CALL = 0xf2,
	VECTOR_SPURIOUS = 0xff,
};

#define IST_STACK_SIZE 8192 /* bytes of each of the four; a panic report is printed on them */

/* The boot CPU's own stacks for descriptors_init_cpu(). */
extern const u64 boot_ist_stacks[4];

/* Build and load the calling CPU's GDT and TSS with `ist_stacks`: the tops of its own stacks for
 * double fault, NMI, machine check and debug.  Reloads the segment registers; GS base survives. */
void descriptors_init_cpu(const u64 ist_stacks[4]);

/* Fill the IDT from the table of entry stubs that the roof gives (256 addresses, 0 = no gate) and
 * load it.  Exceptions 3 and 4 may be raised from user mode. */
void idt_init(const u64 stubs[256]);
void idt_load(void);

/* Where the processor finds the kernel stack on a trap from user mode: RSP0 of this CPU's TSS. */
void tss_set_kernel_stack(u64 top);
