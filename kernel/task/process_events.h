/* SPDX-License-Identifier: MIT
 *
 * Functions of extensions that run when a thread is made or ends, and when a process starts another
 * program or ends.
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct process;
struct thread;

/* Each function may be NULL.  It runs in the thread or process concerned, without locks, and may
 * sleep. */
struct process_events {
	/* The calling thread makes `t`, which has not run yet. */
	void (*clone)(struct thread *t);
	/* The calling thread ends, or execve() is about to replace its program.  Its memory is
	 * still there. */
	void (*leave_program)(struct thread *t);
	/* The process has a new program, and the caller is its only thread. */
	void (*exec)(struct process *p);
	/* The last thread of the process ends.  The process is not a zombie yet. */
	void (*exit)(struct process *p);
	/* The timer interrupt has found the thread running.  Interrupts are off. */
	void (*sample)(struct thread *t);
	/* The thread leaves the tables.  The caller holds process_lock. */
	void (*unlink)(struct thread *t);
	/* The last reference to the thread has been dropped.  Any context; must not sleep. */
	void (*free)(struct thread *t);
};
LINKER_SET(process_events, struct process_events);

#define PROCESS_EVENTS(variable)                                                                   \
	static const struct process_events LINKER_SET_ENTRY(process_events, struct process_events) \
	    variable

/* Call one of the functions above: process_event(exit, p). */
#define process_event(what, argument)                                                              \
	linker_set_for_each(events_, process_events)                                               \
		if (events_->what)                                                                 \
			events_->what(argument)
