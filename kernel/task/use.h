/* SPDX-License-Identifier: MIT
 *
 * What threads and processes have used: CPU time, switches, page faults, system calls.
 */
#pragma once

#include "kernel/lib/base.h"

struct process;
struct thread;

/* What one thread has used, or the sum over several threads or processes.  Times are in ns. */
struct resource_use {
	u64 user_ns, kernel_ns;	 /* CPU time in user mode and in the kernel */
	u64 minor_faults;	 /* page faults that were served; there are no major ones, as no
				  * fault reads from a disk */
	u64 voluntary_switches;	 /* times that it gave up its CPU in order to sleep or end */
	u64 forced_switches;	 /* times that it lost the CPU while it could have gone on */
	u64 migrations;		 /* moves to another CPU */
	u64 system_calls;
	u64 peak_resident_pages; /* most pages of the address space at one time; 0 for one thread */
};

/* Written by the CPU that runs the thread; read from any CPU without a lock. */
struct thread_use {
	struct resource_use counted; /* user_ns and kernel_ns are those reported last, so that a
				      * later report is never lower */
	u64 started_ns;		     /* clock at creation */
	u64 run_ns;		     /* time on a CPU, up to the last switch away from the thread */
	u64 run_since_ns;	     /* clock when it got the CPU */
	u64 user_samples, kernel_samples; /* timer interrupts that found it in user mode and in the
					   * kernel: run_ns is divided in this proportion */
	u64 queued_ns;		     /* time in a run queue, waiting for a CPU */
	u64 queued_since_ns;	     /* clock when it was queued last; 0: never yet */
};

/* What a process has used, except what its living threads have counted.  Under process_lock. */
struct process_use {
	struct resource_use ended_threads; /* of a zombie: all that it has used */
	u32 ended_count;		   /* number of threads in it */
	struct resource_use children; /* children for which it has waited, and their children */
};

/* What `t` has used up to now. */
void thread_resource_use(struct thread *t, struct resource_use *use);

/* Add `use` to `sum`.  The peak becomes the larger of the two. */
void resource_use_add(struct resource_use *sum, const struct resource_use *use);
