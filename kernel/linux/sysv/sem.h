/* SPDX-License-Identifier: MIT
 *
 * Semaphore sets, for the files that serve them.
 */
#pragma once

#include "kernel/linux/ipc_parts.h"
#include "kernel/linux/sysv/ids.h"

#define SEM_VALUE_MAX 32767 /* SEMVMX; an adjustment is at most as large in either direction */

struct semaphore {
	s32 value;
	s32 pid; /* the process that changed it last */
};

struct sem_set {
	struct ipc ipc;
	u32 count;
	/* Under ipc.lock. */
	s64 operated;	     /* seconds: the last semop() */
	struct list waiting; /* struct sem_call.handoff.link, in the order of their calls */
	u32 zero_waiters;    /* calls among them that wait for a value of zero */
	struct list undos;   /* struct sem_undo.set_link */
	struct semaphore semaphores[];
};

struct sembuf { /* of the ABI */
	u16 number;
	s16 change;
	s16 flags;
};

#define SEM_UNDO 010000

/* What the end of a process changes back in one set. */
struct sem_undo {
	struct list process_link; /* in its process; guarded by undo_lock */
	struct list set_link;	  /* in set->undos */
	struct sem_set *set;	  /* with a reference */
	s16 change[];		  /* of each semaphore; guarded by set->ipc.lock */
};

/* One semop() call. */
struct sem_call {
	struct handoff handoff;
	struct sembuf *ops;
	u32 count;
	bool changes, raises, tests_zero; /* what its operations do */
	bool undoes;
	struct sem_undo *undo; /* NULL if !undoes */
	s32 pid;
	const struct sembuf *blocking; /* the operation that cannot go on */
};

static inline struct sem_set *sem_set_of(struct ipc *o)
{
	return container_of(o, struct sem_set, ipc);
}

#define SEM_MUST_WAIT 1

/* Carry out all operations of the call, or none.  0, SEM_MUST_WAIT, -EAGAIN or -ERANGE.
 * set->ipc.lock is held. */
int sem_call_do(struct sem_set *set, struct sem_call *c);

/* Carry out the calls that can go on now, and wake their threads.  set->ipc.lock is held. */
void sem_wake(struct sem_set *set);

/* The undo structure of the calling process for this set, which is made if there is none.
 * ERR_PTR(-ENOMEM).  Sleeps. */
struct sem_undo *sem_undo_get(struct sem_set *set);

/* The semaphore has been set: forget what processes would have changed back.  The caller holds
 * set->ipc.lock. */
void sem_undo_clear(struct sem_set *set, u32 number);
