/* SPDX-License-Identifier: MIT
 *
 * How much of their kernel stacks threads use.  With `stack_depth` on the kernel's command line
 * each stack is filled with a pattern before its thread first runs; what is no longer the pattern
 * has been used, by the thread or by interrupts.  /proc/heddle/stacks says what was the most.
 *
 * The stack of the boot CPU lies in .bss, so it is zero at first and needs no pattern.  Kernel
 * threads are in no list: the stacks of those that start at boot are filled before they are
 * allocated.
 */
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/stop.h"
#include "boot/cmdline.h"
#include "kernel/lib/init.h"
#include "kernel/linux/proc_file.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"
#include "kernel/task/kstack.h"
#include "kernel/task/process.h"
#include "kernel/task/process_events.h"
#include "kernel/task/thread.h"

#define PATTERN 0x6b61656e757374ff /* no pointer and no small number */
#define WORDS	(KSTACK_SIZE / sizeof(u64))
#define FILLED	32 /* stacks for kernel threads */

static bool measuring;
static u64 deepest, measured; /* of user threads that have ended: bytes, and how many */

DEFINE_SPINLOCK(filled_lock);
static u64 *filled[FILLED]; /* under filled_lock: stacks of kernel threads; NULL: none */
static u64 deepest_kernel;  /* likewise: of those that have ended */

/* The bytes of a stack that have been used since it was filled with `pattern`.  The lowest word is
 * left out, since it links the stacks that are kept. */
static u64 depth(const u64 *stack, u64 pattern)
{
	u64 i = 1;

	while (i < WORDS && READ_ONCE(stack[i]) == pattern)
		i++;
	return (WORDS - i) * sizeof(u64);
}

static void fill(u64 *from, const u64 *end)
{
	while (from < end)
		*from++ = PATTERN;
}

static void fill_stack_of(struct thread *t)
{
	if (measuring)
		fill(t->kernel_stack, (u64 *)t->arch.saved_sp);
}

static void keep_larger(u64 *most, u64 value)
{
	u64 old = __atomic_load_n(most, __ATOMIC_RELAXED);

	while (old < value && !__atomic_compare_exchange_n(most, &old, value, false,
							   __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* Find the stack of a kernel thread, and with `forget` remove it.  filled_lock is held. */
static bool is_filled(const void *stack, bool forget)
{
	for (u32 i = 0; i < FILLED; i++)
		if (filled[i] == stack) {
			if (forget)
				filled[i] = NULL;
			return true;
		}
	return false;
}

static void measure_ended(struct thread *t)
{
	u64 flags;

	if (!measuring || !t->kernel_stack)
		return;
	if (t->is_user) {
		keep_larger(&deepest, depth(t->kernel_stack, PATTERN));
		__atomic_fetch_add(&measured, 1, __ATOMIC_RELAXED);
		return;
	}
	flags = spin_lock_irq(&filled_lock);
	if (is_filled(t->kernel_stack, true))
		deepest_kernel = MAX(deepest_kernel, depth(t->kernel_stack, PATTERN));
	spin_unlock_irq(&filled_lock, flags);
}

ON_EVENT(clone, fill_stack_of);
ON_EVENT(free, measure_ended);

/* Allocate all stacks before one is freed: kstack_alloc() prefers freed ones. */
static void fill_for_kernel_threads(void)
{
	char value[8];

	measuring = cmdline_get("stack_depth", value, sizeof(value));
	for (u32 i = 0; measuring && i < FILLED; i++) {
		filled[i] = kstack_alloc();
		if (filled[i])
			fill(filled[i], filled[i] + WORDS);
	}
	for (u32 i = FILLED; i--;)
		if (filled[i])
			kstack_free(filled[i]);
}

EARLY_INIT_CALL(00, fill_for_kernel_threads);

/* The stacks that no kernel thread has taken may be unmapped later, so forget them.  They are the
 * first in the list of freed ones. */
static void forget_unused(void)
{
	void *taken[FILLED];
	u32 n = 0;

	while (measuring && n < FILLED && (taken[n] = kstack_alloc())) {
		u64 flags = spin_lock_irq(&filled_lock);
		bool was_filled = is_filled(taken[n++], true);

		spin_unlock_irq(&filled_lock, flags);
		if (!was_filled)
			break;
	}
	while (n)
		kstack_free(taken[--n]);
}

INIT_CALL(99, forget_unused);

/* With those of threads that still run. */
static u64 deepest_of_all(void)
{
	u64 most = __atomic_load_n(&deepest, __ATOMIC_RELAXED);
	u32 found = 0, all = measuring ? READ_ONCE(threads_linked) : 0;

	for (tid_t tid = 2; tid < TID_MAX && found + 1 < all; tid++) { /* init was not cloned */
		struct thread *t = thread_find(tid);

		if (!t)
			continue;
		found++;
		most = MAX(most, depth(t->kernel_stack, PATTERN));
		thread_put(t);
	}
	return most;
}

static u64 deepest_of_kernel_threads(void)
{
	u64 flags = spin_lock_irq(&filled_lock), most = deepest_kernel;

	for (u32 i = 0; i < FILLED; i++)
		if (filled[i])
			most = MAX(most, depth(filled[i], PATTERN));
	spin_unlock_irq(&filled_lock, flags);
	return most;
}

static void make_stacks(struct text *t)
{
	text_printf(t, "size %u\nboot %lu\n", (u32)KSTACK_SIZE,
		    depth((u64 *)(boot_stack_guard + PAGE_SIZE), 0));
	if (measuring)
		text_printf(t, "kernel_threads %lu\nthreads %lu\nthreads_ended %lu\n",
			    deepest_of_kernel_threads(), deepest_of_all(),
			    __atomic_load_n(&measured, __ATOMIC_RELAXED));
}

/* After the screen, which needs the most. */
static void report_depth(void)
{
	struct thread *t = current_thread();

	if (measuring && t && t->is_user)
		log_error("kernel stack: %lu of %u bytes used, with this report",
			  depth(t->kernel_stack, PATTERN), (u32)KSTACK_SIZE);
}

PANIC_NOTE(95, report_depth);

PROC_FILES(stack_files) = {{"heddle/stacks", .make = make_stacks}};
