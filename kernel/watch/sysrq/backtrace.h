/* SPDX-License-Identifier: MIT
 *
 * Backtraces of threads that go on running afterwards.
 */
#pragma once

#include "kernel/lib/base.h"

struct thread;
struct trap_frame;

#define BACKTRACE_MAX 12

/* Return addresses, the innermost first; 0 ends them if there are fewer. */
struct backtrace {
	u64 calls[BACKTRACE_MAX];
};

/* The callers on the kernel stack of `t`, from the frame pointer `rbp` on.  Reads nothing outside
 * of that stack, so it can be called in any context.  If the thread runs at the same time, the
 * result may be wrong.  The caller has a reference to the thread, or it runs on this CPU. */
void backtrace_walk(struct backtrace *b, const struct thread *t, u64 rbp);

/* The callers of the place where the thread, which does not run, has left its CPU. */
void backtrace_sleeping(struct backtrace *b, const struct thread *t);

/* Log it as "  a+0x12 < b+0x34 < ...", several lines if needed. */
void backtrace_log(const struct backtrace *b);
