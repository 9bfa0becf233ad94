/* SPDX-License-Identifier: MIT
 *
 * The checks of the exercise `futex`.  Kernel threads enter address spaces of their own making,
 * take turns on one CPU (kpinned.h), and where a moment counts, all moments are tried (kstep.h).
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/ipc/futex_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/page.h"
#include "kernel/task/process.h"
#include "tests/kernel/kpinned.h"
#include "tests/kernel/kspace.h"
#include "tests/kernel/kstep.h"

#define WORDS 1024 /* in one page */

/* Of the running test.  It is not freed if a thread is left behind, which may still use it. */
static struct {
	struct address_space *spaces[2], *before;
	u64 address; /* where the threads wait */
	bool shared;
	u32 bits[PINNED_MAX];
	u64 deadline_ns;
	bool go, enough;
} * s;

/* The calling thread uses this address space (NULL: none).  For current_space() all threads of
 * process 0 do, so only one at a time may ask for it: they take turns. */
static void enter_space(struct address_space *as)
{
	u64 flags = irq_save();

	current_thread()->pmap = as ? &as->pmap : NULL;
	(void)pmap_switch(current_thread()->pmap);
	irq_restore(flags);
	kernel_process->space = as ? as : s->before;
}

static u64 word_at(u32 number)
{
	return BASE + number * sizeof(u32);
}

static void begin(bool shared)
{
	s = kzalloc(sizeof(*s));
	require(s);
	s->before = kernel_process->space;
	s->address = word_at(5);
	s->shared = shared;
	s->deadline_ns = WAIT_FOREVER;
	for (u32 i = 0; i < PINNED_MAX; i++)
		s->bits[i] = FUTEX_BITSET_ANY;
	for (u32 i = 0; i < 2; i++) {
		s->spaces[i] = address_space_create();
		require(s->spaces[i]);
		KEXPECT_EQ(map(s->spaces[i], BASE, 2, RW, ANON | MAP_FIXED), BASE);
		poke(s->spaces[i], BASE, 0);
	}
	enter_space(s->spaces[0]);
}

static bool any_waiter(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++)
		if (!list_empty(&futex_buckets[i].waiters))
			return true;
	return false;
}

static void wake_all_buckets(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		struct futex_waiter *w, *next;

		spin_lock(&futex_buckets[i].lock);
		list_for_each_safe (w, next, &futex_buckets[i].waiters, link)
			futex_waiter_wake(w, false);
		spin_unlock(&futex_buckets[i].lock);
	}
}

static void end(u32 count)
{
	bool all = true;

	for (u32 i = 0; i < count; i++)
		all = all && READ_ONCE(pinned[i].done);
	if (!all)
		wake_all_buckets();
	enter_space(NULL);
	if (count && !pinned_end(count))
		return;
	for (u32 i = 0; i < FUTEX_BUCKETS; i++)
		list_init(&futex_buckets[i].waiters); /* what was left there is gone by now */
	for (u32 i = 0; i < 2; i++)
		address_space_put(s->spaces[i]);
	kfree(s);
}

static void wait_once(u32 number)
{
	enter_space(s->spaces[0]);
	pinned[number].result =
	    futex_wait(s->address, s->shared, 0, s->deadline_ns, s->bits[number]);
	enter_space(NULL);
	kernel_process->space = s->spaces[0]; /* the test's own */
}

static u32 done_count(u32 count)
{
	u32 done = 0;

	take_turns(PINNED_TURNS);
	for (u32 i = 0; i < count; i++)
		done += READ_ONCE(pinned[i].done);
	return done;
}

KTEST(futex_sleeps_if_equal)
{
	begin(false);
	pinned_start(1, wait_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	KEXPECT_EQ(futex_wake(s->address, false, 1, FUTEX_BITSET_ANY), 1);
	KEXPECT_EQ(done_count(1), 1);
	KEXPECT_EQ(pinned[0].result, 0);
	end(1);
	begin(false);
	poke(s->spaces[0], s->address, 7);
	pinned_start(1, wait_once); /* it expects 0 */
	KEXPECT_EQ(pinned[0].done, true);
	KEXPECT_EQ(pinned[0].result, -EAGAIN);
	end(1);
}

KTEST(futex_wakes_so_many)
{
	begin(false);
	pinned_start(5, wait_once);
	KEXPECT_EQ(pinned_asleep_count(5), 5);
	KEXPECT_EQ(futex_wake(s->address, false, 2, FUTEX_BITSET_ANY), 2);
	KEXPECT_EQ(done_count(5), 2);
	KEXPECT(pinned[0].done && pinned[1].done); /* the longest waiting */
	KEXPECT_EQ(futex_wake(s->address, false, 100, FUTEX_BITSET_ANY), 3);
	KEXPECT_EQ(done_count(5), 5);
	KEXPECT_EQ(futex_wake(s->address, false, 100, FUTEX_BITSET_ANY), 0);
	end(5);
}

/* Some of 1,024 words share the waiter's bucket: there are 256 buckets. */
KTEST(futex_wakes_its_word_alone)
{
	long woken = 0;

	begin(false);
	pinned_start(1, wait_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	for (u32 i = 0; i < 2 * WORDS; i++)
		if (word_at(i) != s->address)
			woken += futex_wake(word_at(i), false, 1, FUTEX_BITSET_ANY);
	KEXPECT_EQ(woken, 0); /* threads that wait for other words */
	KEXPECT_EQ(done_count(1), 0);
	KEXPECT_EQ(futex_wake(s->address, false, 1, FUTEX_BITSET_ANY), 1);
	end(1);
}

KTEST(futex_wakes_by_bits)
{
	begin(false);
	s->bits[0] = 1;
	s->bits[1] = 2;
	pinned_start(2, wait_once);
	KEXPECT_EQ(pinned_asleep_count(2), 2);
	KEXPECT_EQ(futex_wake(s->address, false, 100, 4), 0);
	KEXPECT_EQ(futex_wake(s->address, false, 100, 2), 1);
	KEXPECT_EQ(done_count(2), 1);
	KEXPECT_EQ(pinned[1].done, true);
	KEXPECT_EQ(futex_wake(s->address, false, 100, FUTEX_BITSET_ANY), 1);
	KEXPECT_EQ(futex_wait(s->address, false, 0, clock_now_ns(), 0), -EINVAL);
	end(2);
}

/* Like the check of the same name of the exercise `sleep`: a longer time each time, in case the
 * host did not let the thread come so far. */
static bool sleep_with_deadline(void)
{
	for (u64 ms = 20; ms < 2000; ms *= 2) {
		begin(false);
		s->deadline_ns = clock_now_ns() + ms * NSEC_PER_MSEC;
		pinned_start(1, wait_once);
		if (pinned_asleep(0) && clock_now_ns() < s->deadline_ns)
			return true;
		end(1);
	}
	KEXPECT(!"the thread sleeps");
	return false;
}

KTEST(futex_deadline)
{
	if (!sleep_with_deadline())
		return;
	while (!READ_ONCE(pinned[0].done) && clock_now_ns() < s->deadline_ns + 3 * NSEC_PER_SEC)
		sched_yield();
	KEXPECT(clock_now_ns() >= s->deadline_ns);
	KEXPECT_EQ(pinned[0].done, true); /* 3 s after the deadline */
	if (pinned[0].done)
		KEXPECT_EQ(pinned[0].result, -ETIMEDOUT);
	end(1);
}

KTEST(futex_leaves_the_bucket)
{
	long woken;
	bool left;

	if (!sleep_with_deadline())
		return;
	while (clock_now_ns() < s->deadline_ns)
		sched_yield();
	thread_wake(pinned[0].thread); /* if there is no timer */
	take_turns(PINNED_TURNS);
	left = !pinned[0].done || !any_waiter();
	KEXPECT(left); /* its stack frame is gone */
	end(1);
	if (!left || !sleep_with_deadline())
		return;
	/* The deadline passes, and then a waker comes first: it has woken this thread. */
	preempt_disable();
	while (clock_now_ns() < s->deadline_ns + NSEC_PER_MSEC)
		cpu_relax();
	preempt_enable_no_resched();
	woken = futex_wake(s->address, false, 1, FUTEX_BITSET_ANY);
	KEXPECT_EQ(done_count(1), 1);
	KEXPECT_EQ(pinned[0].result, woken ? 0 : -ETIMEDOUT);
	end(1);
}

/* The second page has not been used yet: the word is 0. */
KTEST(futex_page_not_there)
{
	begin(false);
	s->address = BASE + PAGE_SIZE;
	pinned_start(1, wait_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	KEXPECT_EQ(futex_wake(s->address, false, 1, FUTEX_BITSET_ANY), 1);
	KEXPECT_EQ(done_count(1), 1);
	KEXPECT_EQ(pinned[0].result, 0);
	KEXPECT_EQ(futex_wait(BASE + 2 * PAGE_SIZE, false, 0, 1, FUTEX_BITSET_ANY), -EFAULT);
	KEXPECT_EQ(futex_wait(BASE + 1, false, 0, 1, FUTEX_BITSET_ANY), -EINVAL);
	end(1);
}

/* Two processes map one object at different addresses; and at one address each has its own word. */
KTEST(futex_between_processes)
{
	struct vm_object *o = vm_object_create(PAGE_SIZE, PAGE_OBJECT);
	struct map_request q = {
	    .length = PAGE_SIZE, .prot = RW, .flags = MAP_SHARED | MAP_FIXED, .object = o};
	u64 other = BASE + 20 * PAGE_SIZE + 20;

	begin(true);
	q.address = BASE + 10 * PAGE_SIZE;
	KEXPECT_EQ(address_space_map(s->spaces[0], &q), q.address);
	s->address = q.address + 20;
	q.address = BASE + 20 * PAGE_SIZE;
	KEXPECT_EQ(address_space_map(s->spaces[1], &q), q.address);
	pinned_start(1, wait_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	enter_space(s->spaces[1]);
	KEXPECT_EQ(futex_wake(other, true, 1, FUTEX_BITSET_ANY), 1);
	KEXPECT_EQ(done_count(1), 1);
	enter_space(s->spaces[0]);
	end(1);
	vm_object_put(o);

	begin(true);
	pinned_start(1, wait_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	enter_space(s->spaces[1]);
	KEXPECT_EQ(futex_wake(s->address, true, 1, FUTEX_BITSET_ANY), 0);
	KEXPECT_EQ(futex_wake(s->address, false, 1, FUTEX_BITSET_ANY), 0);
	enter_space(s->spaces[0]);
	KEXPECT_EQ(futex_wake(s->address, true, 1, FUTEX_BITSET_ANY), 1);
	end(1);
}

KTEST(futex_keys)
{
	struct futex_key a = {0x1000, 8}, b = a, object = {0x2000, 8}, offset = {0x1000, 12};

	KEXPECT_EQ(futex_key_equal(&a, &b), true);
	KEXPECT_EQ(futex_key_equal(&a, &object), false);
	KEXPECT_EQ(futex_key_equal(&a, &offset), false);
}

/* In each round the slice of the waiter ends one instruction later in futex_wait(), and the waker
 * changes the word and wakes. */
static void step_into_wait(u32 number)
{
	wait_once(number);
	current_thread()->pmap = &s->spaces[0]->pmap;
	(void)pmap_switch(current_thread()->pmap);
	step_begin(1);
	do {
		while (!READ_ONCE(s->go))
			sched_yield();
		s->go = false;
		step_start(step_preempt);
		(void)futex_wait(s->address, false, 0, WAIT_FOREVER, FUTEX_BITSET_ANY);
	} while (step_stop() && !s->enough);
	step_end();
	enter_space(NULL);
	kernel_process->space = s->spaces[0];
}

KTEST(futex_wake_at_any_moment)
{
	u32 lost = 0;

	begin(false);
	pinned_start(1, step_into_wait);
	KEXPECT_EQ(pinned_asleep(0), true); /* in a first sleep, which is an ordinary one */
	s->enough = !pinned_asleep(0);
	wake_all_buckets();
	while (!READ_ONCE(pinned[0].done)) {
		poke(s->spaces[0], s->address, 0);
		step.fired = false;
		s->go = true;
		(void)TURNS_UNTIL(READ_ONCE(step.fired) || READ_ONCE(pinned[0].done));
		poke(s->spaces[0], s->address, 1);
		(void)futex_wake(s->address, false, 1, FUTEX_BITSET_ANY);
		take_turns(PINNED_TURNS);
		if (!pinned_asleep(0))
			continue;
		if (!lost)
			step_report("a wake-up is lost if the word changes and the waker runs");
		lost = lost ?: step.round;
		wake_all_buckets();
	}
	KEXPECT_EQ(lost, 0); /* the instruction before which the waker ran */
	end(1);
}
