/* SPDX-License-Identifier: MIT
 *
 * Semaphore sets, for the files that serve them.
 */
#pragma once

#include "kernel/lib/string.h"
#include "kernel/linux/ipc_parts.h"
#include "kernel/linux/sysv/ids.h"

#define SEM_VALUE_MAX 32767 /* SEMVMX; an adjustment is at most as large in either direction */

/* The calls of one operation wait in their semaphore, and those of several in the set: a change
 * looks only at those that it may let go on.  While there are calls in the set, later ones of one
 * operation wait there, too, unless they want zero: those that want the same go on in the order in
 * which they came, as on Linux. */
struct semaphore {
	s32 value;
	s32 pid; /* the process that changed it last */
	struct room_waiters to_rise; /* calls that lower it, in the order in which they came */
	struct list to_be_zero;	     /* calls that want a value of zero */
	struct list changed_link;    /* in set->changed, or in no list */
	s32 waiting[2]; /* calls that it blocks, also of several operations: that lower it,
			 * that want zero */
};

struct sem_set {
	struct ipc ipc;
	u32 count;
	/* Under ipc.lock. */
	s64 operated;	     /* seconds: the last semop() */
	struct list waiting; /* calls, in the order in which they came */
	u32 zero_waiters;    /* calls among them that test for zero */
	struct list changed; /* semaphores whose waiters are to be looked at */
	struct list undos;   /* struct sem_undo.set_link */
	u64 set_all;	     /* counts SETALL calls */
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
	/* Under set->ipc.lock; sem_undo_changes(). */
	u64 set_all;  /* the SETALL call of the set after which these changes were made */
	s16 change[]; /* of each semaphore */
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

/* The changes to take back, for each semaphore.  SETALL makes the process forget them, and does not
 * look for the structures of all processes: so those from before it are cleared here.  The caller
 * holds set->ipc.lock. */
static inline s16 *sem_undo_changes(struct sem_undo *undo)
{
	if (undo->set_all != undo->set->set_all) {
		memset(undo->change, 0, undo->set->count * sizeof(undo->change[0]));
		undo->set_all = undo->set->set_all;
	}
	return undo->change;
}

#define SEM_MUST_WAIT 1

/* The caller of the next four functions holds set->ipc.lock, which sem_wake() and sem_call_wait()
 * release. */

/* Carry out all operations of the call, or none.  0, SEM_MUST_WAIT, -EAGAIN, -ERANGE or
 * -EIDRM. */
int sem_call_do(struct sem_set *set, struct sem_call *c);

/* Wait until another thread has carried out the call.  Its result, -EINTR or -ETIMEDOUT. */
int sem_call_wait(struct sem_set *set, struct sem_call *c, u64 deadline);

/* The value of the semaphore has changed: sem_wake() is to look at those that wait for it. */
void sem_changed(struct sem_set *set, struct semaphore *s);

/* Carry out the calls that can go on now, and wake their threads. */
void sem_wake(struct sem_set *set);

/* The undo structure of the calling process for this set, which is made if there is none.
 * ERR_PTR(-ENOMEM).  Sleeps. */
struct sem_undo *sem_undo_get(struct sem_set *set);

/* The semaphore has been set: forget what processes would have changed back.  The caller holds
 * set->ipc.lock. */
void sem_undo_clear(struct sem_set *set, u32 number);
