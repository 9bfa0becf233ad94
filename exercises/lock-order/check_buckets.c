/* SPDX-License-Identifier: MIT
 *
 * The checks of bucket_lock_two() for the exercise `lock-order`.  A deadlock is not waited for: one
 * thread is interrupted before each of its instructions in turn (kstep.h), and there the other one
 * begins, on another CPU.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/ipc/futex_internal.h"
#include "kernel/task/process.h"
#include "tests/kernel/kpinned.h"
#include "tests/kernel/kspace.h"
#include "tests/kernel/kstep.h"

#define WORDS 16

static struct {
	struct address_space *space, *before;
	u64 from, to;
	bool begin, begun, done; /* the other thread's requeue */
	bool stop;
} * s;

static void begin(void)
{
	s = kzalloc(sizeof(*s));
	require(s);
	s->space = address_space_create();
	require(s->space);
	s->before = kernel_process->space;
	kernel_process->space = s->space; /* of current_space(), for the keys */
}

static void end(u32 count)
{
	kernel_process->space = s->before;
	if (count && !pinned_end(count))
		return;
	address_space_put(s->space);
	kfree(s);
}

static long requeue(u64 from, u64 to)
{
	return futex_requeue(from, to, false, 0, 1000, false, 0);
}

static u64 word_at(u32 number)
{
	return BASE + number * 68;
}

KTEST(lock_order_one_bucket)
{
	begin();
	for (u32 i = 0; i < WORDS; i++)
		KEXPECT_EQ(requeue(word_at(i), word_at(i)), 0);
	end(0);
}

/* On the first CPU, before the n-th instruction: the other thread begins.  It may have to wait for
 * a lock that is held here, so we wait for its end for a while only. */
static void other_way(struct step_frame *frame)
{
	u64 until;

	__atomic_store_n(&s->begin, true, __ATOMIC_SEQ_CST);
	while (!READ_ONCE(s->begun))
		cpu_relax();
	until = clock_now_ns() + 300 * NSEC_PER_USEC;
	while (!READ_ONCE(s->done) && clock_now_ns() < until)
		cpu_relax();
}

static void requeue_back(u32 number)
{
	if (cpu_count > 1)
		pin_to((pinned_cpu + 1) % cpu_count);
	while (!READ_ONCE(s->stop)) {
		if (READ_ONCE(s->begin)) {
			s->begin = false;
			__atomic_store_n(&s->begun, true, __ATOMIC_SEQ_CST);
			(void)requeue(s->to, s->from);
			__atomic_store_n(&s->done, true, __ATOMIC_SEQ_CST);
		} else {
			cpu_relax();
			if (cpu_count == 1)
				sched_yield();
		}
	}
}

static void step_through_requeue(void)
{
	bool more;

	step_begin(16);
	do {
		s->begun = s->done = false;
		step_start(cpu_count > 1 ? other_way : step_preempt);
		(void)requeue(s->from, s->to);
		more = step_stop();
		while (READ_ONCE(s->begun) && !READ_ONCE(s->done))
			cpu_relax();
	} while (more);
	step_end();
}

KTEST(lock_order_both_ways)
{
	begin();
	pinned_start(1, requeue_back);
	for (u32 i = 0; i < 2; i++) { /* one of the two has the higher bucket first */
		s->from = word_at(i);
		s->to = word_at(1 - i);
		step_through_requeue();
		log_info("# %u moments tried", step.round);
	}
	s->stop = true;
	while (!READ_ONCE(pinned[0].done))
		sched_yield();
	end(1);
}
