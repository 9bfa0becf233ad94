/* SPDX-License-Identifier: MIT
 *
 * What other extensions ask about a thread that may be traced by ptrace().
 */
#pragma once

#include "kernel/task/probe.h"

/* The functions of kernel/linux/ptrace/tracer.c, for a thread that is traced. */
tid_t ptrace_tracer_of(const struct thread *t);
bool ptrace_is_stopped(const struct thread *t);
bool ptrace_single_steps(const struct thread *t);

/* The TID of the tracer; 0: none. */
static inline tid_t tracer_of(const struct thread *t)
{
	return ptrace_on(t) ? ptrace_tracer_of(t) : 0;
}

/* Is the thread in a stop of which its tracer decides the end? */
static inline bool is_tracing_stop(const struct thread *t)
{
	return ptrace_on(t) && ptrace_is_stopped(t);
}

/* Has the tracer of the thread asked for a single step? */
static inline bool is_ptrace_stepping(const struct thread *t)
{
	return ptrace_on(t) && ptrace_single_steps(t);
}
