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

/* The number of threads that have been removed from the tables but not freed yet; a shrinker waits
 * for them (process_create.c).  Atomic. */
static u32 threads_left;

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
	signal_flush_queue(p, &p->signals.queue);
	kfree(p);
}

u64 process_limit(struct process *p, u32 which)
{
	return READ_ONCE(p->limits.value[which].current);
}

void process_thread_unlinked(void)
{
	__atomic_fetch_add(&threads_left, 1, __ATOMIC_RELAXED);
}

void process_thread_freed(struct thread *t)
{
	if (!t->process || t->process == kernel_process)
		return; /* a kernel thread, or a thread that never joined a process */
	process_put(t->process);
	__atomic_fetch_sub(&threads_left, 1, __ATOMIC_RELEASE);
}

u32 process_threads_left(void)
{
	return __atomic_load_n(&threads_left, __ATOMIC_ACQUIRE);
}
