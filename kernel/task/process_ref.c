/* SPDX-License-Identifier: MIT
 *
 * Processes 0 and 1, the lock of the family, and the references that keep a process.
 */
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"

DEFINE_SPINLOCK(process_lock);

struct process *kernel_process;
struct process *init_process;
u32 thread_limit;

u32 threads_left; /* a shrinker waits for them (process_create.c) */

void process_get(struct process *p)
{
	refcount_get(&p->refs);
}

void process_put(struct process *p)
{
	if (!refcount_put(&p->refs))
		return;
	/* What must sleep to be released (files, the address space) was released when the last
	 * thread exited, or was never created.  So process_put() does not sleep. */
	signal_actions_put(p->signals.actions);
	kfree(p);
}

u64 process_limit(struct process *p, u32 which)
{
	return READ_ONCE(p->limits.value[which].current);
}

void process_thread_freed(struct thread *t)
{
	if (!t->process || t->process == kernel_process)
		return; /* a kernel thread, or a thread that never joined a process */
	process_put(t->process);
	__atomic_fetch_sub(&threads_left, 1, __ATOMIC_RELEASE);
}
