/* SPDX-License-Identifier: MIT
 *
 * What this architecture keeps for a thread while it does not run (or, where the comment says so,
 * about its last page fault or exception).
 */
#pragma once

#include "kernel/lib/base.h"

struct fpu_area;

/* A page fault that had no cause in the page tables, and how often it has come in a row. */
struct repeated_fault {
	u64 rip, address, error, flushes;
	u32 count;
};

/* Selectors of the data segments of user mode (segments.h). */
union user_segments {
	struct {
		u16 ds, es, fs, gs;
	};
	u64 all; /* 0: every one is null, as programs have them that do not care */
};

/* Written by the thread itself, or by the switch that takes it off its CPU or puts it on one. */
struct arch_thread {
	u64 saved_sp;	      /* stack pointer that context_switch() saved; stale while it runs */
	struct fpu_area *fpu; /* FPU, SSE and AVX registers; NULL for a kernel thread */
	u32 fpu_cpu;	      /* the CPU that loaded `fpu` last; MAX_CPUS if no CPU has done so */
	union user_segments segments;
	u64 fs_base, gs_base; /* segment bases of user mode */

	/* The last exception in user mode; signal frames report it (struct sigcontext). */
	u64 fault_vector, fault_error, fault_address;
	struct repeated_fault repeated;
};
