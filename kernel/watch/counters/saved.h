/* SPDX-License-Identifier: MIT
 *
 * A thread that does not run, register by register.
 */
#pragma once

#include "arch/x86_64/cpu/switch.h"
#include "kernel/task/thread.h"

struct thread_saved {
	bool on_cpu;		    /* it runs: all is as old as its last entry to the kernel, */
	struct switch_frame kernel; /* and this is zero */
	u64 kernel_sp;		    /* where context_switch() left that */
	struct trap_frame user;	    /* the registers of user mode */
	u64 fs_base;
	u8 xmm[16][16];
	char state; /* as thread_state_letter(), R where on_cpu */
};

/* Of a thread with a user half; the caller holds a reference. */
void thread_saved_read(struct thread *t, struct thread_saved *saved);
