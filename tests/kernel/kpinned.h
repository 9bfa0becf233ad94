/* SPDX-License-Identifier: MIT
 *
 * Threads that take turns on one CPU.  Only the running thread changes anything there, and after n
 * calls of take_turns(1) each other thread has had its turn n times: a test counts turns, and needs
 * no time limit that a busy host could break.
 */
#pragma once

#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/task/sched.h"
#include "tests/kernel/kpin.h"
#include "tests/kernel/ktest.h"

#define PINNED_MAX   8
#define PINNED_TURNS 50 /* far more than any thread here needs to come to its next sleep or end */

struct pinned {
	struct thread *thread; /* NULL: it could not be made */
	void (*fn)(u32 number);
	bool begun, done, released;
	s64 result; /* for the test */
};

/* Of the running test.  A test that leaves a thread behind leaves this memory to it. */
static struct pinned *pinned;
static u32 pinned_cpu;

static inline void take_turns(u32 n)
{
	while (n--)
		sched_yield();
}

/* Let the others run until the condition holds.  Returns whether it does, after far more turns than
 * they need. */
#define TURNS_UNTIL(condition)                                                                     \
	({                                                                                         \
		u32 turns_ = 0;                                                                    \
		while (!(condition) && turns_++ < 10 * PINNED_TURNS)                               \
			sched_yield();                                                             \
		turns_ <= 10 * PINNED_TURNS;                                                       \
	})

static inline void pinned_body(void *arg)
{
	struct pinned *p = arg;
	u32 number = (u32)(p - pinned);

	kpin_to(pinned_cpu);
	WRITE_ONCE(p->begun, true);
	p->fn(number);
	WRITE_ONCE(p->done, true);
	while (!READ_ONCE(p->released)) /* until then the test may look at the thread */
		sched_yield();
}

/* The caller and `count` threads that run fn(0), fn(1), ... stay on the CPU where the caller is.
 * They start in this order, and each has had its turns before the next one starts. */
static inline void pinned_start(u32 count, void (*fn)(u32 number))
{
	pinned_cpu = this_cpu_id();
	kpin_to(pinned_cpu);
	pinned = kzalloc(PINNED_MAX * sizeof(*pinned));
	require(pinned && count <= PINNED_MAX);
	for (u32 i = 0; i < count; i++) {
		struct thread *t;

		pinned[i].fn = fn;
		t = kthread_create("pinned", pinned_body, &pinned[i]);
		KEXPECT(!IS_ERR(t));
		if (IS_ERR(t))
			continue;
		pinned[i].thread = t;
		while (!READ_ONCE(pinned[i].begun))
			sched_yield();
		take_turns(PINNED_TURNS);
	}
}

/* Does the thread sleep, and has it left the CPU? */
static inline bool pinned_asleep(u32 number)
{
	const struct thread *t = pinned[number].thread;

	return t && !READ_ONCE(t->on_cpu) && !READ_ONCE(t->on_queue) &&
	       (READ_ONCE(t->state) == THREAD_SLEEPING || READ_ONCE(t->state) == THREAD_BLOCKED);
}

static inline u32 pinned_asleep_count(u32 count)
{
	u32 asleep = 0;

	for (u32 i = 0; i < count; i++)
		asleep += pinned_asleep(i);
	return asleep;
}

/* How often the threads have gone to sleep so far. */
static inline u64 pinned_sleeps(u32 count)
{
	u64 sleeps = 0;

	for (u32 i = 0; i < count; i++)
		if (pinned[i].thread)
			sleeps += READ_ONCE(pinned[i].thread->use.counted.voluntary_switches);
	return sleeps;
}

/* Let the threads end.  False, and a failed test: one of them has not come to its end.  It is left
 * as it is, with what it may still use. */
static inline bool pinned_end(u32 count)
{
	struct cpumask all = cpus_online;
	u32 before = __atomic_load_n(&kthread_count, __ATOMIC_ACQUIRE), ended = 0, done = 0;

	take_turns(PINNED_TURNS);
	for (u32 i = 0; i < count; i++)
		done += !pinned[i].thread || READ_ONCE(pinned[i].done);
	KEXPECT_EQ(done, count); /* threads that came to their end */
	for (u32 i = 0; i < count; i++) {
		ended += pinned[i].thread && READ_ONCE(pinned[i].done);
		WRITE_ONCE(pinned[i].released, READ_ONCE(pinned[i].done));
	}
	while (__atomic_load_n(&kthread_count, __ATOMIC_ACQUIRE) > before - ended)
		sched_yield();
	kpin(&all);
	if (done == count)
		kfree(pinned);
	return done == count;
}
