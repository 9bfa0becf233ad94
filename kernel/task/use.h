/* SPDX-License-Identifier: MIT
 *
 * What threads and processes have used (getrusage(2)).
 */
#pragma once

#include "kernel/lib/base.h"

struct process;
struct thread;

/* Summed at exit and at wait(). */
struct resource_use {
	u64 user_ns, kernel_ns;
	u64 minor_faults;
	u64 voluntary_switches, forced_switches;
	u64 migrations, system_calls;
	u64 peak_resident_pages;
};

/* Of one thread; `use` is filled; peak_resident_pages is 0, since memory belongs to the process. */
void thread_use(struct thread *t, struct resource_use *use);
