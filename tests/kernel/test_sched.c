/* SPDX-License-Identifier: MIT
 *
 * Threads, sleeping, locks and timers.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/task/mutex.h"
#include "kernel/task/sched.h"
#include "tests/kernel/kpin.h"
#include "tests/kernel/ktest.h"

#define WORKERS 16

static struct lock_class test_class = {"test", 0}, test_mutex_class = {"test mutex", 0};

/* Data that the threads of one test share. */
static struct {
	struct spinlock lock;
	struct wait_queue done;
	u32 running;
	struct mutex mutex;
	struct rwlock rwlock;
	u64 count, other_count;
	u32 turn;
	struct wait_queue turn_queue;
} shared;

static void begin(void)
{
	memset(&shared, 0, sizeof(shared));
	spinlock_init(&shared.lock, &test_class);
	wait_queue_init(&shared.done, "test");
	wait_queue_init(&shared.turn_queue, "turn");
	mutex_init(&shared.mutex, &test_mutex_class);
	rwlock_init(&shared.rwlock, &test_mutex_class);
}

static void leave(void)
{
	spin_lock(&shared.lock);
	shared.running--;
	wait_wake_all(&shared.done); /* under the lock, as the next test may reuse `shared` */
	spin_unlock(&shared.lock);
}

static void run_threads(void (*fn)(void *), u32 n)
{
	shared.running = n;
	for (u32 i = 0; i < n; i++)
		if (IS_ERR(kthread_create("test", fn, (void *)(u64)i))) {
			KEXPECT(!"kthread_create");
			leave();
		}
	spin_lock(&shared.lock);
	while (shared.running)
		(void)wait_sleep(&shared.done, &shared.lock, WAIT_FOREVER, 0);
	spin_unlock(&shared.lock);
}

static void count_under_mutex(void *arg)
{
	for (u32 i = 0; i < 2000; i++) {
		u64 n;

		mutex_lock(&shared.mutex);
		n = READ_ONCE(shared.count);
		if (i % 64 == 0)
			sched_yield();
		WRITE_ONCE(shared.count, n + 1);
		mutex_unlock(&shared.mutex);
	}
	leave();
}

KTEST(sched_mutex_excludes)
{
	begin();
	run_threads(count_under_mutex, WORKERS);
	KEXPECT_EQ(shared.count, WORKERS * 2000);
}

static void read_and_write(void *arg)
{
	for (u32 i = 0; i < 500; i++) {
		if (i % 8 == 0) {
			rwlock_write_lock(&shared.rwlock);
			shared.count++;
			if (i % 64 == 0)
				sched_yield();
			shared.other_count++;
			rwlock_write_unlock(&shared.rwlock);
		} else {
			rwlock_read_lock(&shared.rwlock);
			KEXPECT_EQ(shared.count, shared.other_count);
			rwlock_read_unlock(&shared.rwlock);
		}
	}
	leave();
}

KTEST(sched_rwlock_excludes_writers)
{
	begin();
	run_threads(read_and_write, WORKERS);
	KEXPECT_EQ(shared.count, WORKERS * 63);
}

/* Threads pass a baton in a circle: the test hangs if a single wake-up is lost. */
static void pass_baton(void *arg)
{
	u32 me = (u32)(u64)arg;

	spin_lock(&shared.lock);
	for (u32 round = 0; round < 200; round++) {
		while (shared.turn % WORKERS != me)
			(void)wait_sleep(&shared.turn_queue, &shared.lock, WAIT_FOREVER, 0);
		shared.turn++;
		wait_wake_all(&shared.turn_queue);
	}
	spin_unlock(&shared.lock);
	leave();
}

KTEST(sched_no_wakeup_is_lost)
{
	begin();
	run_threads(pass_baton, WORKERS);
	KEXPECT_EQ(shared.turn, WORKERS * 200);
}

KTEST(sched_timed_wait_ends)
{
	u64 start = clock_now_ns();

	begin();
	spin_lock(&shared.lock);
	KEXPECT_EQ(wait_sleep(&shared.done, &shared.lock, start + 5 * NSEC_PER_MSEC, 0), -ETIMEDOUT);
	spin_unlock(&shared.lock);
	KEXPECT(clock_now_ns() - start >= 5 * NSEC_PER_MSEC);
	start = clock_now_ns();
	KEXPECT_EQ(sleep_until(start + 2 * NSEC_PER_MSEC, 0), 0);
	KEXPECT(clock_now_ns() - start >= 2 * NSEC_PER_MSEC);
}

/* Threads that never yield must share a CPU. */
static void spin_until_all_ran(void *arg)
{
	__atomic_fetch_add(&shared.count, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(shared.count) < WORKERS)
		cpu_relax();
	leave();
}

KTEST(sched_slices_preempt)
{
	begin();
	run_threads(spin_until_all_ran, WORKERS);
	KEXPECT_EQ(shared.count, WORKERS);
}

static void stay_where_allowed(void *arg)
{
	u32 cpu = (u32)(u64)arg % cpu_count;

	for (u32 i = 0; i < 20; i++) {
		kpin_to((cpu + i) % cpu_count);
		KEXPECT_EQ(this_cpu_id(), (cpu + i) % cpu_count);
		sched_yield();
		KEXPECT_EQ(this_cpu_id(), (cpu + i) % cpu_count);
	}
	leave();
}

KTEST(sched_affinity_is_kept)
{
	begin();
	run_threads(stay_where_allowed, WORKERS);
}

static u32 timer_fired;

static void timer_again(struct timer *t)
{
	if (++timer_fired < 10)
		timer_start(t, clock_now_ns() + 100 * NSEC_PER_USEC);
}

KTEST(timer_restarts_and_stops)
{
	static struct timer t, never;

	timer_fired = 0;
	timer_init(&t, timer_again);
	timer_init(&never, timer_again);
	timer_start(&never, clock_now_ns() + 1000 * NSEC_PER_SEC);
	timer_start(&t, clock_now_ns() + 100 * NSEC_PER_USEC);
	for (u32 i = 0; i < 60000 && READ_ONCE(timer_fired) < 10; i++)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	KEXPECT_EQ(timer_fired, 10);
	KEXPECT(timer_cancel(&never));
	KEXPECT(!timer_cancel(&never));
	timer_cancel_sync(&t);
}

/* A timer on the stack of a thread.  timer_cancel_sync() must not return while its function runs,
 * or the function would find `alive` changed. */
struct mortal {
	struct timer timer;
	u32 alive;
};

static void mortal_fires(struct timer *t)
{
	struct mortal *m = container_of(t, struct mortal, timer);

	KEXPECT_EQ(READ_ONCE(m->alive), 1);
	for (u32 i = 0; i < 20; i++)
		cpu_relax();
	KEXPECT_EQ(READ_ONCE(m->alive), 1);
}

static void cancel_from_elsewhere(void *arg)
{
	u64 me = (u64)arg;

	for (u64 i = 0; i < 200; i++) {
		struct mortal m = {.alive = 1};

		kpin_to((u32)((me + i) % cpu_count));
		timer_init(&m.timer, mortal_fires);
		timer_start(&m.timer, clock_now_ns() + (i * 7 + me) % 30 * NSEC_PER_USEC);
		kpin_to((u32)((me + i + 1) % cpu_count));
		timer_cancel_sync(&m.timer);
		WRITE_ONCE(m.alive, 0);
	}
	leave();
}

KTEST(timer_is_gone_after_cancel_sync)
{
	begin();
	run_threads(cancel_from_elsewhere, 4);
}

KTEST(tid_numbers_are_unique)
{
	tid_t a = tid_alloc(), b = tid_alloc();

	KEXPECT(a > 0 && b > 0 && a != b);
	tid_free(a);
	tid_free(b);
}
