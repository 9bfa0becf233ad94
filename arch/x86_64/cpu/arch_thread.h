/* SPDX-License-Identifier: MIT
 *
 * The part of struct thread that belongs to this architecture: registers of a thread that does not
 * run, and facts about its last exception.
 */
#pragma once

#include "kernel/lib/base.h"

struct fpu_area;

/* A page fault that the page tables do not explain (FAULT_SPURIOUS), and how many times in a row it
 * came. */
struct repeated_fault {
	u64 rip, address, error, flushes;
	u32 count;
};

/* Selectors of the data segments of user mode (segments.h). */
union user_segments {
	struct {
		u16 ds, es, fs, gs;
	};
	u64 all; /* 0: all four are null, which is usual for 64-bit programs */
};

/* Written by the thread itself, and by the context switch from it or to it. */
struct arch_thread {
	u64 saved_sp;	      /* stack pointer that context_switch() saved; stale while it runs */
	struct fpu_area *fpu; /* FPU, SSE and AVX registers; NULL for a kernel thread */
	u32 fpu_cpu;	      /* the CPU that loaded them last; MAX_CPUS if no CPU has done so */
	u8 fpu_turns;	      /* turns one after the other in which the thread used them, modulo 256 */
	bool fpu_saved;	      /* the area holds the state, but for what XSAVEOPT leaves out; else the
			       * state is that with which a program starts */
	union user_segments segments;
	u64 fs_base, gs_base; /* segment bases of user mode */

	/* The last exception in user mode; signal frames report it (struct sigcontext). */
	u64 fault_vector, fault_error, fault_address;
	struct repeated_fault repeated;
};
