/* SPDX-License-Identifier: MIT
 *
 * The seeded scheduler (docs/seed.md) makes a race repeatable.  Of a group of threads only one, the
 * holder, runs at a time.  A random number generator decides when the holder is preempted and which
 * member is next; the same seed gives the same decisions.
 *
 * All members of a group run on one CPU.  Only the holder may be in the run queue of that CPU or on
 * it, where it is scheduled like any other thread; the other ready members wait in the list of the
 * group.  Preemption points are counted in instructions of user mode: each instruction raises a
 * debug exception.  A group with a schedule (schedule.h) is preempted only where its members call
 * sched_yield(), and its strategy chooses the next member.
 */
#pragma once

#include "kernel/task/probe.h"

struct schedule;

struct seed_group {
	struct refcount refs; /* one for each member, and one for each temporary user */
	u64 seed;
	u32 cpu;		   /* the CPU on which the first member joined */
	u32 members;		   /* threads that ever joined; gives them numbers; atomic */
	struct schedule *schedule; /* NULL: by instruction count.  Belongs to the group */

	/* Protected by the lock of the CPU's run queue. */
	struct thread *holder; /* NULL: no member is ready */
	u32 last;	       /* number of the last holder */
	struct list ready;     /* by thread.run_link, in the order in which they became ready */
	u32 ready_count;
	u64 random;	     /* state of the generator */
	u64 left;	     /* steps to the next preemption point */
	u64 steps, switches; /* instructions and system calls; changes of the holder */
	u64 hash;	     /* of all changes of the holder: its number, and the steps so far */
};

/* Data of a thread that is or was in a group: struct thread.seed. */
struct seed_member {
	struct seed_group *group; /* NULL: it has left its group.  Changes under process_lock and
				   * the lock of the thread's run queue */
	u32 number;		  /* in the group */
	bool stays;		  /* stays the holder while it sleeps: seed_wait_for_lock() */
	bool counts_steps;	  /* the group has no schedule */
	bool yields;		  /* its next decision is a yield: prefer another member */
	u32 points;		  /* decisions at which it was running */
	s64 priority;		  /* of strategy PCT */
	/* Accessed by the thread itself only. */
	bool stepping; /* TF in its trap frame was set by seed_trap_flag_set() */
	u32 waits;     /* timeouts in a row while waiting for the lock whose queue is `queue` */
	struct wait_queue *queue;
};

/* SplitMix64 (Steele, Lea, Flood 2014).  Any state is valid, also 0. */
static inline u64 seed_random(u64 *state)
{
	u64 z = *state += GOLDEN_RATIO_64;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Create a group without members.  The caller gets a reference.  NULL if there is no memory.
 * Sleeps. */
struct seed_group *seed_group_create(u64 seed);
void seed_group_get(struct seed_group *g);
void seed_group_put(struct seed_group *g);

/* Allocate t->seed if the thread has none.  0 or -ENOMEM.  process_lock is held. */
int seed_member_create(struct thread *t);

/* Move a thread from its group, if any, to `g` (NULL: to none).  t->seed exists, the caller has a
 * reference to the old group and holds process_lock.  If the calling thread is to be a member too,
 * it should join first. */
void seed_move(struct thread *t, struct seed_group *g);

/* Add a thread that has not been started to a group. */
void seed_join(struct thread *t, struct seed_group *g);

/* The group of a thread, or NULL.  The caller holds process_lock or the lock of the thread's run
 * queue. */
static inline struct seed_group *seed_group_of(const struct thread *t)
{
	return t->seed ? t->seed->group : NULL;
}

struct seed_counters {
	u64 steps, switches, hash;
	tid_t holder; /* 0: no member is ready */
};
void seed_read(struct seed_group *g, struct seed_counters *counters);
