/* SPDX-License-Identifier: MIT
 *
 * Where extensions start: functions that kernel_main() calls without knowing them, in the order of
 * their numbers (two digits).
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct init_call {
	void (*fn)(void);
};
LINKER_SET(early_init_calls, struct init_call);
LINKER_SET(init_calls, struct init_call);

/* On the boot CPU, with interrupts off: memory, clock, timers and the scheduler work, and no other
 * thread exists yet. */
#define EARLY_INIT_CALL(order, function)                                                           \
	static const struct init_call LINKER_SET_ENTRY_AT(                                         \
	    early_init_calls, order, struct init_call) early_init_call_##function = {function}

/* In a thread that may sleep, with all CPUs running: the root file system, /dev and processes are
 * there, and no program runs yet. */
#define INIT_CALL(order, function)                                                                 \
	static const struct init_call LINKER_SET_ENTRY_AT(init_calls, order, struct init_call)     \
	    init_call_##function = {function}

#define init_calls_run(set) linker_set_for_each(call_, set) call_->fn()
