/* SPDX-License-Identifier: MIT
 *
 * How extensions start: each defines functions that kernel_main() calls without knowing their
 * names, in the order of their numbers (two digits).
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct init_call {
	void (*fn)(void);
};
LINKER_SET(boot_calls, struct init_call);
LINKER_SET(early_init_calls, struct init_call);
LINKER_SET(init_calls, struct init_call);

#define INIT_CALL_IN(set, order, function)                                                         \
	static const struct init_call LINKER_SET_ENTRY_AT(set, order, struct init_call)            \
	    set##_##function = {function}

/* Called on the boot CPU with interrupts off, before memory is set up: the page tables are those of
 * boot.S, and only the log, the command line and cpu_features work. */
#define BOOT_CALL(order, function) INIT_CALL_IN(boot_calls, order, function)

/* Called on the boot CPU with interrupts off.  Memory, clock, timers and the scheduler work; no
 * other thread exists yet. */
#define EARLY_INIT_CALL(order, function) INIT_CALL_IN(early_init_calls, order, function)

/* Called in a thread that may sleep, when all CPUs run.  The root file system, /dev and processes
 * exist; no program runs yet. */
#define INIT_CALL(order, function) INIT_CALL_IN(init_calls, order, function)

#define init_calls_run(set) linker_set_for_each(call_, set) call_->fn()
