/* SPDX-License-Identifier: MIT
 *
 * Self-tests of the exercise "runqueue": the queue by itself, and threads that take turns on one
 * CPU.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/task/runqueue.h"
#include "kernel/task/sched.h"
#include "kernel/task/thread.h"
#include "tests/kernel/kpin.h"
#include "tests/kernel/ktest.h"

#define THREADS 3U
#define TURNS	30U

static struct thread dummies[THREADS];
static struct runqueue queue;

/* Take all threads out of the queue and compare them with `order`, which ends with THREADS. */
static void expect_order(const u32 *order)
{
	for (; *order < THREADS; order++) {
		struct thread *t = runqueue_pop(&queue);

		KEXPECT(t == &dummies[*order]);
		if (t)
			KEXPECT(!t->on_queue);
	}
	KEXPECT(!runqueue_pop(&queue));
	KEXPECT_EQ(queue.queued, 0);
}

/* Begin with an empty queue, and with threads that have new slices.  Takes the queue's lock and
 * disables interrupts; returns what queue_end() needs. */
static u64 queue_begin(void)
{
	u64 flags = irq_save();

	memset(dummies, 0, sizeof(dummies));
	memset(&queue, 0, sizeof(queue));
	runqueue_init(&queue, NULL);
	spin_lock(&queue.lock);
	for (u32 i = 0; i < THREADS; i++)
		dummies[i].state = THREAD_RUNNABLE;
	return flags;
}

static void queue_end(u64 flags)
{
	spin_unlock(&queue.lock);
	irq_restore(flags);
}

KTEST(runqueue_is_first_in_first_out)
{
	u64 flags = queue_begin();

	for (u32 i = 0; i < THREADS; i++) {
		runqueue_push(&queue, &dummies[i], 1000 + i);
		KEXPECT(dummies[i].on_queue);
		KEXPECT_EQ(dummies[i].use.queued_since_ns, 1000 + i);
		KEXPECT_EQ(queue.queued, i + 1);
	}
	expect_order((const u32[]){0, 1, 2, THREADS});
	runqueue_push(&queue, &dummies[2], 0);
	runqueue_push(&queue, &dummies[0], 0);
	expect_order((const u32[]){2, 0, THREADS});
	queue_end(flags);
}

/* The queues by themselves: a woken thread first, then one with a rest of its slice. */
KTEST(runqueue_woken_goes_first)
{
	u64 flags = queue_begin();

	dummies[1].turn = TURN_REST;
	dummies[2].turn = TURN_WOKEN;
	for (u32 i = 0; i < THREADS; i++)
		runqueue_push(&queue, &dummies[i], 0);
	KEXPECT_EQ(queue.queued, THREADS);
	expect_order((const u32[]){2, 1, 0, THREADS});
	dummies[1].turn = TURN_WOKEN;
	for (u32 i = THREADS; i--;)
		runqueue_push(&queue, &dummies[i], 0);
	expect_order((const u32[]){2, 1, 0, THREADS});
	queue_end(flags);
}

/* What the threads of a test share. */
static struct {
	u32 ready, left, next, count;
	u32 stop; /* the time is over: threads that still wait or compute end */
	u32 order[THREADS * TURNS];
	u64 ran_ns[THREADS], switches[THREADS];
	u64 deadline_ns;
} shared;

static bool over(void)
{
	return __atomic_load_n(&shared.stop, __ATOMIC_ACQUIRE);
}

static void wait_ms(u32 most)
{
	for (u32 ms = 0; ms < most && __atomic_load_n(&shared.left, __ATOMIC_ACQUIRE); ms++)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
}

/* Runs `fn` in THREADS threads and waits for their end, 5 s at most. */
static void run_all(void (*fn)(void *))
{
	memset(&shared, 0, sizeof(shared));
	shared.left = THREADS;
	for (u32 i = 0; i < THREADS; i++)
		KEXPECT(!IS_ERR(kthread_create("turns", fn, (void *)(u64)i)));
	wait_ms(5000);
	KEXPECT_EQ(shared.left, 0);
	__atomic_store_n(&shared.stop, 1, __ATOMIC_RELEASE);
	wait_ms(1000);
}

/* Waits on CPU 0 until all threads are there, so that they begin together.  It gives up after many
 * turns: with a wrong answer the others may never run. */
static void meet(void)
{
	kpin_to(0);
	__atomic_fetch_add(&shared.ready, 1, __ATOMIC_SEQ_CST);
	for (u32 i = 0; i < 100000 && !over(); i++) {
		if (__atomic_load_n(&shared.ready, __ATOMIC_SEQ_CST) == THREADS)
			return;
		sched_yield();
	}
}

static void leave(void)
{
	__atomic_fetch_sub(&shared.left, 1, __ATOMIC_RELEASE);
}

static void write_down(void *arg)
{
	meet();
	for (u32 i = 0; i < TURNS; i++) {
		shared.order[__atomic_fetch_add(&shared.next, 1, __ATOMIC_RELAXED)] = (u32)(u64)arg;
		sched_yield();
	}
	leave();
}

/* Three threads that yield come again after the two others.  Now and then a thread of the kernel
 * runs between them, or a slice ends at a yield: a few turns out of order are allowed. */
KTEST(runqueue_yields_in_turn)
{
	u32 wrong = 0;

	run_all(write_down);
	for (u32 i = THREADS; i + THREADS < shared.next; i++)
		wrong += shared.order[i] != shared.order[i - THREADS];
	KEXPECT_EQ(shared.next, THREADS * TURNS);
	KEXPECT(wrong < THREADS * TURNS / 5);
	KEXPECT(shared.order[THREADS] != shared.order[THREADS + 1]);
}

static void spin(void *arg)
{
	u32 me = (u32)(u64)arg;
	struct thread *t = current_thread();
	u64 ran, switches;

	meet();
	ran = t->use.run_ns;
	switches = t->use.counted.forced_switches;
	/* The first to arrive sets the end. */
	if (!__atomic_fetch_add(&shared.count, 1, __ATOMIC_SEQ_CST))
		WRITE_ONCE(shared.deadline_ns, clock_now_ns() + 30 * sched_slice_ns());
	while ((!READ_ONCE(shared.deadline_ns) || clock_now_ns() < READ_ONCE(shared.deadline_ns)) &&
	       !over())
		cpu_relax();
	shared.ran_ns[me] = t->use.run_ns - ran;
	shared.switches[me] = t->use.counted.forced_switches - switches;
	leave();
}

/* Threads that never give up the CPU share it: each gets a tenth at least, of a third. */
KTEST(runqueue_slices_are_fair)
{
	u64 all = 0;

	run_all(spin);
	for (u32 i = 0; i < THREADS; i++)
		all += shared.ran_ns[i];
	for (u32 i = 0; i < THREADS; i++) {
		KEXPECT(shared.switches[i] >= 2);
		KEXPECT(shared.ran_ns[i] >= all / 10);
	}
}

/* A slice is not cut short: 30 slices give at most about 30 turns, and twice as many are allowed.
 * Threads that wake up do not preempt here: the thread that waits for the end does so each ms. */
KTEST(runqueue_slices_are_whole)
{
	u64 turns = 0;

	WRITE_ONCE(sched_virtual_rr, false);
	run_all(spin);
	WRITE_ONCE(sched_virtual_rr, true);
	for (u32 i = 0; i < THREADS; i++)
		turns += shared.switches[i];
	KEXPECT(turns <= 60);
}

/* Sleeps again and again on the CPU of the other threads. */
static void sleep_often(void)
{
	for (u32 i = 0; i < 40; i++)
		sleep_until(clock_now_ns() + 200 * NSEC_PER_USEC, 0);
}

/* Thread 0 sleeps, thread 1 computes until it has ended: CPU 0 always has a thread that is ready.
 */
static void sleep_or_compute(void *arg)
{
	struct thread *idle = runqueue_of(0)->idle;
	u64 before, end;

	meet();
	end = clock_now_ns() + 3 * NSEC_PER_SEC;
	if (!arg) {
		sleep_often();
		__atomic_store_n(&shared.next, 1, __ATOMIC_RELEASE);
	} else if ((u64)arg == 1) {
		before = idle->use.counted.forced_switches;
		while (!__atomic_load_n(&shared.next, __ATOMIC_ACQUIRE) && clock_now_ns() < end)
			cpu_relax();
		shared.switches[1] = idle->use.counted.forced_switches - before;
	}
	leave();
}

KTEST(runqueue_is_not_idle_too_early)
{
	run_all(sleep_or_compute);
	KEXPECT_EQ(shared.switches[1], 0);
}
