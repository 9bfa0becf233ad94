/* SPDX-License-Identifier: MIT
 *
 * Frames, slabs and kernel stacks: all CPUs use them at once, and all memory must be free at the
 * end.
 */
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/kstack.h"
#include "kernel/task/sched.h"
#include "kernel/watch/stack_guard.h"
#include "tests/kernel/ktest.h"

#define WORKERS 8
#define ROUNDS	20000
#define SHARED	64

static u64 used_frames(enum page_use use)
{
	struct page_stats stats;

	page_drain_all();
	page_stats_read(&stats);
	return stats.used[use];
}

/* Random numbers of one worker: a linear congruential generator (Knuth, MMIX). */
static u64 next_random(u64 *seed)
{
	*seed = *seed * 6364136223846793005UL + 1442695040888963407UL;
	return *seed >> 33;
}

static u32 workers_left;
static void *shared[SHARED];

static void run_workers(void (*fn)(void *seed))
{
	u32 created = 0;

	__atomic_store_n(&workers_left, WORKERS, __ATOMIC_SEQ_CST);
	for (u64 i = 0; i < WORKERS; i++)
		created += !IS_ERR(kthread_create("ktest", fn, (void *)(i + 1)));
	KEXPECT_EQ(created, WORKERS);
	while (__atomic_load_n(&workers_left, __ATOMIC_ACQUIRE) > WORKERS - created)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
}

static void worker_done(void)
{
	__atomic_fetch_sub(&workers_left, 1, __ATOMIC_RELEASE);
}

/* Write the number of a frame into it, and exchange it for the frame in a shared slot.  So frames
 * are freed on other CPUs than those that allocated them. */
static void frames_worker(void *seed)
{
	u64 random = (u64)seed;

	for (u32 i = 0; i < ROUNDS; i++) {
		struct page *p = page_alloc(next_random(&random) % 3, PAGE_KERNEL);

		if (p)
			*(u64 *)page_to_virt(p) = page_to_phys(p);
		p = __atomic_exchange_n(&shared[next_random(&random) % SHARED], p,
					__ATOMIC_ACQ_REL);
		if (p) {
			KEXPECT_EQ(*(u64 *)page_to_virt(p), page_to_phys(p));
			page_put(p);
		}
	}
	worker_done();
}

KTEST(mem_frames_on_all_cpus)
{
	u64 before = used_frames(PAGE_KERNEL);

	run_workers(frames_worker);
	for (u32 i = 0; i < SHARED; i++) {
		if (shared[i])
			page_put(shared[i]);
		shared[i] = NULL;
	}
	KEXPECT_EQ(used_frames(PAGE_KERNEL), before);
}

static void objects_worker(void *seed)
{
	u64 random = (u64)seed;

	for (u32 i = 0; i < ROUNDS; i++) {
		size_t size = 16 + next_random(&random) % 400;
		u64 *object = kmalloc(size);

		if (object) {
			memset(object, (u8)size, size);
			object[0] = size;
		}
		object = __atomic_exchange_n(&shared[next_random(&random) % SHARED], object,
					     __ATOMIC_ACQ_REL);
		if (object) {
			size = object[0];
			KEXPECT_EQ(((u8 *)object)[size - 1], (u8)size);
			kfree(object);
		}
	}
	worker_done();
}

KTEST(mem_objects_on_all_cpus)
{
	u64 before = used_frames(PAGE_SLAB);

	run_workers(objects_worker);
	for (u32 i = 0; i < SHARED; i++) {
		kfree(shared[i]);
		shared[i] = NULL;
	}
	/* The structures of the threads may share a slab with older objects. */
	KEXPECT(used_frames(PAGE_SLAB) <= before + 4);
}

KTEST(mem_large_blocks)
{
	struct page *p = page_alloc(PAGE_ORDER_MAX, PAGE_KERNEL);

	KEXPECT(p != NULL);
	if (!p)
		return;
	KEXPECT_EQ(page_to_phys(p) % (PAGE_SIZE << PAGE_ORDER_MAX), 0);
	for (u64 i = 0; i < 1UL << PAGE_ORDER_MAX; i++)
		*(u64 *)page_to_virt(p + i) = i;
	for (u64 i = 0; i < 1UL << PAGE_ORDER_MAX; i++)
		KEXPECT_EQ(*(u64 *)page_to_virt(p + i), i);
	KEXPECT(phys_to_page(page_to_phys(p)) == p);
	page_put(p);
}

KTEST(mem_ledger_adds_up)
{
	struct page_stats stats;
	u64 used = 0;

	page_drain_all();
	page_stats_read(&stats);
	for (u32 use = PAGE_RESERVED + 1; use < PAGE_USES; use++)
		used += stats.used[use];
	/* Other threads may have allocated or freed a few frames between the readings. */
	KEXPECT((s64)(stats.free + used - stats.total) < 64);
	KEXPECT((s64)(stats.free + used - stats.total) > -64);
}

#define STACKS 100

KTEST(mem_kernel_stacks)
{
	static char *stacks[STACKS];
	u64 before = used_frames(PAGE_KSTACK), tables = used_frames(PAGE_TABLE);

	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < STACKS; i++) {
			stacks[i] = kstack_alloc();
			KEXPECT(stacks[i] != NULL);
			if (!stacks[i])
				continue;
			KEXPECT(stack_guard_has((u64)stacks[i] - 1));
			KEXPECT(!stack_guard_has((u64)stacks[i]));
			KEXPECT(!stack_guard_has((u64)stacks[i] + KSTACK_SIZE - 1));
			memset(stacks[i], (int)i, KSTACK_SIZE);
		}
		for (u32 i = 0; i < STACKS; i++) {
			if (!stacks[i])
				continue;
			KEXPECT_EQ((u8)stacks[i][0], i);
			KEXPECT_EQ((u8)stacks[i][KSTACK_SIZE - 1], i);
			kstack_free(stacks[i]);
		}
	}
	KEXPECT_EQ(used_frames(PAGE_KSTACK), before);
	KEXPECT_EQ(used_frames(PAGE_TABLE), tables);
}

KTEST(mem_failing_allocations_leak_nothing)
{
	u64 before = used_frames(PAGE_KSTACK);

	for (u64 n = 1; n <= 1 + KSTACK_SIZE / PAGE_SIZE; n++) {
		void *stack;

		page_drain_all(); /* free the cached stacks, so that new ones need frames */
		alloc_fail_nth(n);
		stack = kstack_alloc();
		alloc_fail_nth(0);
		KEXPECT(stack == NULL);
		if (stack)
			kstack_free(stack);
	}
	KEXPECT_EQ(used_frames(PAGE_KSTACK), before);
	alloc_fail_nth(1);
	KEXPECT(kzalloc(40) == NULL);
	alloc_fail_nth(0);
}
