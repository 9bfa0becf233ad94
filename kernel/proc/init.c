/* SPDX-License-Identifier: MIT
 *
 * Process 1 (init).  It is built here step by step; all other user processes descend from it.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log/panic.h"
#include "kernel/proc/internal.h"
#include "kernel/task/probe.h"

void process_start_init(void (*begin)(void *))
{
	struct process *p = process_create(kernel_process);
	struct thread *t = thread_create_user("init", begin, NULL);
	u64 flags, inner;

	if (!p || IS_ERR(t) || process_share(p, kernel_process, 0))
		panic("no memory for init");
	memset(thread_frame(t), 0, sizeof(struct trap_frame));
	p->pid = p->job.group = p->job.session = t->tid = 1; /* tid_alloc() never returns 1 */
	p->leader = t;
	init_process = p;
	flags = spin_lock_irq(&process_lock);
	process_link(p, kernel_process);
	inner = spin_lock_irq(&p->signals.lock);
	thread_link(t, p);
	spin_unlock_irq(&p->signals.lock, inner);
	spin_unlock_irq(&process_lock, flags);
	seed_start(t);
	process_put(p); /* the PID hash and the thread hold their own references */
	thread_start(t);
}
