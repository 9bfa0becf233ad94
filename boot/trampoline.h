/* SPDX-License-Identifier: MIT
 *
 * Where other processors begin: trampoline.S, copied to a page below 1 MiB, with
 * struct trampoline_data at its end.
 */
#pragma once

#include "kernel/lib/base.h"

#define TRAMPOLINE_WAITING	0 /* not heard of yet */
#define TRAMPOLINE_ARRIVED	1 /* runs on its stack */
#define TRAMPOLINE_ONLINE	2
#define TRAMPOLINE_UNFIT	3 /* lacks what the boot CPU has; halted */
#define TRAMPOLINE_ABANDONED	4 /* it may not go on any more */

struct cpu;

/* One for each processor that is started; each finds its own by its APIC id. */
struct trampoline_slot {
	u32 apic_id;
	u32 state; /* from WAITING by compare and exchange only */
	u64 stack; /* top */
	struct cpu *cpu;
	u64 unused;
};

struct trampoline_data {
	u64 root; /* CR3; below 4 GiB */
	u64 efer;
	u64 slots; /* struct trampoline_slot *, slot_count of them */
	u64 slot_count;
	u64 apic;  /* registers of the xAPIC; 0: the id is in CPUID leaf 0xb */
	u64 entry; /* void entry(struct trampoline_slot *), in long mode, on its stack */
	u32 base;  /* physical address of the page */
};

extern const char trampoline_start[], trampoline_data[], trampoline_end[];

/* 32-bit addresses that are relative to the page until its address is added. */
extern const char trampoline_gdt_pointer[], trampoline_jump_32[], trampoline_jump_64[];
