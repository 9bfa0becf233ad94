/* SPDX-License-Identifier: MIT
 *
 * The seeded scheduler (docs/seed.md): of a group of threads one at a time, the holder, runs; when
 * it gives way and to whom comes from a generator that a seed starts.  So a race happens again.
 *
 * A group keeps to one CPU.  Only its holder is ever in that CPU's run queue or on the CPU, where
 * it takes turns with strangers as any thread does; members that are ready wait in the group's own
 * list.  Preemption points are counted in instructions of user mode, one debug exception each.
 */
#pragma once

#include "kernel/task/probe.h"

struct seed_group {
	struct refcount refs; /* members, and who works with it */
	u64 seed;
	u32 cpu;     /* where its first member joined it */
	u32 members; /* ever, for their numbers; atomic */

	/* Under the lock of the CPU's run queue. */
	struct thread *holder; /* NULL: no member is ready */
	u32 last;	       /* who was holder last, by number */
	struct list ready;     /* thread.run_link, in the order in which they became ready */
	u32 ready_count;
	u64 random;	     /* the generator's state */
	u64 left;	     /* steps to the next preemption point */
	u64 steps, switches; /* instructions and system calls; changes of the holder */
	u64 hash;	     /* of all switches: who, after how many steps */
};

/* What is kept of a thread that is or was in a group: struct thread.seed. */
struct seed_member {
	struct seed_group *group; /* NULL: none any more; changes under process_lock and the run
				   * queue's lock of the thread */
	u32 number;		  /* in the group */
	bool stays;		  /* stays the holder while it sleeps: seed_wait_for_lock() */
	/* The thread's own. */
	bool stepping; /* TF in its trap frame was set by seed_trap_flag_set() */
	u32 waits;     /* in vain so far, for the lock whose queue is `queue` */
	struct wait_queue *queue;
};

/* Sleeps; NULL: no memory.  With a reference, and no members. */
struct seed_group *seed_group_create(u64 seed);
void seed_group_get(struct seed_group *g);
void seed_group_put(struct seed_group *g);

/* Make the seed member of a thread that has none: 0 or -ENOMEM.  process_lock is held. */
int seed_member_create(struct thread *t);

/* Into a group (NULL: none), out of the one before, to which the caller has a reference.  The thread
 * has a member.  process_lock is held.  If the caller is to be a member, it should be the first. */
void seed_move(struct thread *t, struct seed_group *g);

/* A thread that has not been started, into a group of which it is to be a member. */
void seed_join(struct thread *t, struct seed_group *g);

/* The group of a thread, or NULL.  Its run queue's lock or process_lock is held. */
static inline struct seed_group *seed_group_of(const struct thread *t)
{
	return t->seed ? t->seed->group : NULL;
}

struct seed_counters {
	u64 steps, switches, hash;
	tid_t holder; /* 0: no member is ready */
};
void seed_read(struct seed_group *g, struct seed_counters *counters);
