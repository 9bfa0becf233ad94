/* SPDX-License-Identifier: MIT
 *
 * Functions of extensions that run when a thread is made or ends, and when a process starts another
 * program or ends.  Each event has a linker set of its own, so that it costs only what its
 * functions cost: there are 30 of them, and fork and exit are 5 events.
 */
#pragma once

#include "kernel/lib/linker_set.h"

struct process;
struct thread;

/* They run in the thread or process concerned, without locks, and may sleep, unless it says
 * otherwise. */
typedef void (*thread_event_fn)(struct thread *t);
typedef void (*process_event_fn)(struct process *p);

/* The calling thread makes `t`, which has not run yet. */
LINKER_SET(on_clone, thread_event_fn);
/* The calling thread ends, or execve() is about to replace its program.  Its memory is still there.
 */
LINKER_SET(on_leave_program, thread_event_fn);
/* The process has a new program, and the caller is its only thread. */
LINKER_SET(on_exec, process_event_fn);
/* The last thread of the process ends.  The process is not a zombie yet. */
LINKER_SET(on_exit, process_event_fn);
/* The timer interrupt has found the thread running.  Interrupts are off. */
LINKER_SET(on_sample, thread_event_fn);
/* The thread leaves the tables.  The caller holds process_lock. */
LINKER_SET(on_unlink, thread_event_fn);
/* The last reference to the thread has been dropped.  Any context; must not sleep. */
LINKER_SET(on_free, thread_event_fn);

/* ON_EVENT(exec, vdso_map); */
#define ON_EVENT(what, fn)                                                                         \
	static typeof(__set_on_##what[0]) LINKER_SET_ENTRY(on_##what, void *) on_##what##_##fn = fn

/* Call the functions of one event: process_event(exit, p). */
#define process_event(what, argument) linker_set_for_each(event_, on_##what) (*event_)(argument)
