/* SPDX-License-Identifier: MIT
 *
 * Making and ending threads.
 */
#include "kernel/task/thread.h"

#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/switch.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"
#include "kernel/task/kstack.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/probe.h"
#include "kernel/task/process.h"
#include "kernel/task/process_events.h"
#include "kernel/task/runqueue.h"

static struct slab_cache *thread_cache, *fpu_cache;
u32 kthread_count;

void thread_init(void)
{
	thread_cache =
	    slab_cache_create("thread", sizeof(struct thread) + (size_t)__per_thread_size, 64);
	if (fpu_area_size <= 2048)
		fpu_cache = slab_cache_create("fpu", fpu_area_size, 64);
}

static void fpu_area_free(struct fpu_area *area)
{
	if (area && fpu_cache)
		slab_free(fpu_cache, area);
	else
		kfree(area);
}

/* A thread without a stack, or NULL. */
static struct thread *thread_alloc(const char *name)
{
	struct thread *t = slab_alloc_zeroed(thread_cache);

	if (!t)
		return NULL;
	refcount_init(&t->refs, 1);
	list_init(&t->run_link);
	list_init(&t->process_link);
	list_init(&t->tid_link);
	list_init(&t->signals.queue);
	list_init(&t->signals.target_link);
	memset(&t->affinity, 0xff, sizeof(t->affinity)); /* all CPUs */
	t->state = THREAD_BLOCKED;
	t->cpu = this_cpu_id();
	t->arch.fpu_cpu = MAX_CPUS;
	t->use.started_ns = clock_now_ns();
	t->process = kernel_process; /* thread_link() sets that of a user thread */
	strscpy(t->name, name, sizeof(t->name));
	return t;
}

/* Called when the last reference has been dropped.  Does not sleep. */
static void thread_free(struct thread *t)
{
	bool kernel = !t->is_user;

	if (kernel && t->tid) /* the TID of a user thread is freed by kernel/proc */
		tid_free(t->tid);
	process_event(free, t);
	if (t->kernel_stack)
		kstack_free(t->kernel_stack);
	fpu_area_free(t->arch.fpu);
	seed_thread_free(t);
	process_thread_freed(t); /* all memory of the thread but this structure is free now */
	slab_free(thread_cache, t);
	if (kernel)
		__atomic_fetch_sub(&kthread_count, 1, __ATOMIC_RELEASE);
}

struct thread *thread_create(const char *name, void (*fn)(void *), void *arg, size_t frame_bytes)
{
	struct thread *t = thread_alloc(name);

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->kernel_stack = kstack_alloc();
	if (!t->kernel_stack) {
		slab_free(thread_cache, t);
		return ERR_PTR(-ENOMEM);
	}
	if (!frame_bytes)
		__atomic_fetch_add(&kthread_count, 1, __ATOMIC_RELAXED); /* thread_free() subtracts */
	t->arch.saved_sp =
	    thread_stack_prepare((char *)t->kernel_stack + KSTACK_SIZE, frame_bytes, fn, arg);
	return t;
}

struct thread *thread_create_idle(u32 cpu)
{
	struct thread *t = thread_alloc("idle");

	if (!t)
		panic("no memory for the idle thread of CPU %u", cpu);
	snprintf(t->name, sizeof(t->name), "idle/%u", cpu);
	return t;
}

struct thread *thread_create_user(const char *name, void (*fn)(void *arg), void *arg)
{
	struct thread *t = thread_create(name, fn, arg, sizeof(struct trap_frame));

	if (IS_ERR(t))
		return t;
	t->is_user = true;
	/* With AVX-512 and later extensions the area is larger than any object of a slab.
	 * kmalloc() then returns whole frames, which have the alignment that XSAVE needs. */
	t->arch.fpu = fpu_cache ? slab_alloc_zeroed(fpu_cache) : kzalloc(fpu_area_size);
	if (!t->arch.fpu) {
		thread_free(t);
		return ERR_PTR(-ENOMEM);
	}
	return t;
}

void thread_get(struct thread *t)
{
	refcount_get(&t->refs);
}

void thread_put(struct thread *t)
{
	if (refcount_put(&t->refs))
		thread_free(t);
}

void thread_set_name(struct thread *t, const char *name)
{
	strscpy(t->name, name, sizeof(t->name));
}
