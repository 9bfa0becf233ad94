/* SPDX-License-Identifier: MIT
 *
 * Kernel threads: threads of process 0, which have no user half.
 */
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/task/sched.h"

struct kthread_call {
	void (*fn)(void *arg);
	void *arg;
};

/* The first function of every kernel thread: it never returns. */
static void kthread_begin(void *arg)
{
	struct kthread_call call = *(struct kthread_call *)arg;

	kfree(arg);
	call.fn(call.arg);
	thread_exit_final();
}

struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg)
{
	struct kthread_call *call = kmalloc(sizeof(*call));
	struct thread *t = call ? thread_create(name, kthread_begin, call, 0) : ERR_PTR(-ENOMEM);
	tid_t tid;

	if (IS_ERR(t)) {
		kfree(call);
		return t;
	}
	tid = tid_alloc();
	if (tid < 0) {
		kfree(call);
		thread_put(t);
		return ERR_PTR(tid);
	}
	*call = (struct kthread_call){fn, arg};
	t->tid = tid;
	thread_start(t);
	return t;
}
