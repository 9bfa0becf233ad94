/* SPDX-License-Identifier: MIT
 *
 * Policies, and what a thread may be given: for the calls of this folder.
 */
#pragma once

#include "kernel/linux/sched/permission.h"
#include "kernel/linux/sched_attributes.h"

#define SCHED_OTHER	    0
#define SCHED_FIFO	    1
#define SCHED_RR	    2
#define SCHED_BATCH	    3
#define SCHED_IDLE	    5
#define SCHED_DEADLINE	    6
#define SCHED_RESET_ON_FORK 0x40000000
#define PRIORITY_MAX	    99 /* of FIFO and RR; the lowest is 1 */
#define NICE_MIN	    (-20)
#define NICE_MAX	    19

/* SCHED_FIFO or SCHED_RR, which alone have priorities. */
static inline bool policy_is_realtime(u32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static inline bool policy_is_valid(u32 policy)
{
	return policy <= SCHED_BATCH || policy == SCHED_IDLE || policy == SCHED_DEADLINE;
}

/* Find the thread of a TID (0: the caller); the caller gets a reference.  -EINVAL if the TID is
 * negative, -ESRCH if there is no such thread. */
int sched_thread(u64 tid, struct thread **t);

/* Give the thread these attributes.  0, -EINVAL if they do not fit together, or -EPERM. */
long sched_apply(struct thread *t, const struct sched_attributes *new);
