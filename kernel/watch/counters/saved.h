/* SPDX-License-Identifier: MIT
 *
 * The saved registers of a thread.
 */
#pragma once

#include "arch/x86_64/cpu/switch.h"
#include "kernel/task/thread.h"

struct thread_saved {
	bool on_cpu;		    /* running: the values are from its last entry to the kernel */
	struct switch_frame kernel; /* saved by context_switch(); zero if on_cpu */
	u64 kernel_sp;		    /* address of that frame */
	struct trap_frame user;	    /* registers of user mode */
	u64 fs_base;
	u8 xmm[16][16];
	char state; /* thread_state_letter(); R if on_cpu */
};

/* Fill *saved.  `t` must be a thread of user mode, to which the caller holds a reference.  Any
 * context. */
void thread_saved_read(struct thread *t, struct thread_saved *saved);
