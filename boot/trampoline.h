/* SPDX-License-Identifier: MIT
 *
 * The start of the other processors: trampoline.S is copied to a page below 1 MiB, and struct
 * trampoline_data is at the end of the copy.
 */
#pragma once

#include "kernel/lib/base.h"

#define TRAMPOLINE_WAITING	0 /* has not started yet */
#define TRAMPOLINE_ARRIVED	1 /* runs on its own stack */
#define TRAMPOLINE_ONLINE	2
#define TRAMPOLINE_UNFIT	3 /* halted: lacks a feature that the boot CPU has */
#define TRAMPOLINE_ABANDONED	4 /* smp.c no longer waits: it must halt */

struct cpu;

/* One for each processor that is started.  A processor finds its slot by its APIC id. */
struct trampoline_slot {
	u32 apic_id;
	u32 state; /* changed from WAITING by compare and exchange only */
	u64 stack; /* top */
	struct cpu *cpu;
	u64 unused;
};

struct trampoline_data {
	u64 root; /* CR3; below 4 GiB */
	u64 efer;
	u64 slots; /* struct trampoline_slot *, slot_count of them */
	u64 slot_count;
	u64 apic;  /* address of the xAPIC registers; 0: x2APIC, the id is in CPUID leaf 0xb */
	u64 entry; /* void entry(struct trampoline_slot *), called on the slot's stack */
	u32 base;  /* physical address of the page */
};

extern const char trampoline_start[], trampoline_data[], trampoline_end[];

/* Addresses of 32 bits in the code.  smp.c adds the address of the page to them in the copy. */
extern const char trampoline_gdt_pointer[], trampoline_jump_32[], trampoline_jump_64[];
