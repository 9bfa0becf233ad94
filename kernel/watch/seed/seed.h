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

#include "kernel/task/thread.h"

struct runqueue;

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

/* Sleeps; NULL: no memory.  With a reference, and no members. */
struct seed_group *seed_group_create(u64 seed);
void seed_group_get(struct seed_group *g);
void seed_group_put(struct seed_group *g);

/* Into a group (NULL: none), out of the one before, to which the caller has a reference.  The
 * caller keeps others from doing the same (by process_lock).  The first member of a group should be
 * the caller, if it is to be one. */
void seed_move(struct thread *t, struct seed_group *g);

/* A thread that has not been started, into its maker's group.  Likewise. */
void seed_inherit(struct thread *t);

struct seed_counters {
	u64 steps, switches, hash;
	tid_t holder; /* 0: no member is ready */
};
void seed_read(struct seed_group *g, struct seed_counters *counters);

/* From the roof, with interrupts off and nothing held: the running member did one step, and goes on
 * at `rip`.  The preemption point may be here. */
void seed_step(u64 rip);

/* wait_sleep() for a lock of the kernel, which nobody holds for long.  Strangers' holding one must
 * not change the order of members: a holder stays the holder meanwhile.  `waits`: 0 before the
 * first one for this lock. */
void seed_wait_for_lock(struct wait_queue *q, struct spinlock *guard, u32 *waits);

/* --- For the scheduler; the run queue's lock is held --------------------------------------------
 */

/* A member becomes ready.  True: it is the holder; else it waits in the group's list. */
bool seed_admit(struct thread *t);

/* The running member gives up the CPU, `choose`: to another member.  Where that, or its sleep, ends
 * its time as the holder, the next holder is put into the run queue, at the front unless
 * `to_back`. */
void seed_pass_on(struct runqueue *rq, struct thread *prev, bool choose, bool to_back, u64 now_ns);

/* --- seed_files.c ----------------------------------------------------------------------------- */

void process_seed_init(void);		   /* /proc/PID/sched_seed */
void process_seed_first(struct thread *t); /* process 1 before it starts: sched_seed= */
