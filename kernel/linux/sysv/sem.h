/* SPDX-License-Identifier: MIT
 *
 * Semaphore sets, for the files that serve them.
 */
#pragma once

#include "kernel/linux/ipc_parts.h"
#include "kernel/linux/sysv/ids.h"

#define SEM_VALUE_MAX 32767 /* SEMVMX; an adjustment is at most as large in either direction */

/* The calls of one operation wait in their semaphore, and those of several in the set: a change
 * looks only at those that it may let go on.  While there are calls in the set, later ones of one
 * operation wait there, too, unless they want zero: those that want the same go on in the order in
 * which they came, as on Linux. */
struct semaphore {
	s32 value;
	s32 pid;		     /* the process that changed it last */
	struct room_waiters to_rise; /* calls that lower it, in the order in which they came */
	struct list to_be_zero;	     /* calls that want a value of zero */
	struct list changed_link;    /* in set->changed, or in no list */
	s32 waiting[2]; /* calls that it blocks, also of several operations: that lower it,
			 * that want zero */
	u32 turn;	/* counts SETVAL calls */
	u32 zeros;	/* counts changes after which it was zero */
};

struct sem_set {
	struct ipc ipc;
	u32 count;
	struct mutex all_mutex; /* serializes GETALL and SETALL calls */
	/* Under ipc.lock. */
	s64 operated;	     /* seconds: the last semop() */
	struct list waiting; /* calls, in the order in which they came */
	u32 zero_waiters;    /* calls among them that test for zero */
	struct list changed; /* semaphores whose waiters are to be looked at */
	u32 turn;	     /* counts SETALL calls */
	u16 *all;	     /* the values of a GETALL or SETALL call in progress, or NULL */
	s32 all_pid;	     /* the caller of SETALL; 0: it is GETALL */
	struct semaphore semaphores[]; /* sem_at() */
};

struct sembuf { /* of the ABI */
	u16 number;
	s16 change;
	s16 flags;
};

#define SEM_UNDO 010000

/* What the end of a process changes back in one set. */
struct sem_undo {
	struct list process_link; /* this and `node`: in its process; under undo_lock */
	struct treap_node node;	  /* by the address of the set */
	struct sem_set *set;	  /* with a reference */
	struct {
		u32 turn; /* the turns of set and semaphore when this change was made, added up */
		s16 change;
	} of[]; /* each semaphore; under set->ipc.lock: sem_undo_change() */
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
	u32 zeros; /* of the semaphore whose to_be_zero it is in: as it was when it joined */
};

static inline struct sem_set *sem_set_of(struct ipc *o)
{
	return container_of(o, struct sem_set, ipc);
}

#define SEM_NO_VALUE 0xffff

/* GETALL and SETALL take effect at one moment for all semaphores, but release the lock in between.
 * So the part of such a call that concerns one semaphore is done here, if it has not been done yet:
 * a value is copied before it changes, or set before it is used.  In set->all, SEM_NO_VALUE stands
 * for a value that GETALL has not copied yet, or that SETALL has set already.  The caller holds
 * set->ipc.lock. */
void sem_settle(struct sem_set *set, u32 number);

/* The semaphore with its present value.  The caller holds set->ipc.lock. */
static inline struct semaphore *sem_at(struct sem_set *set, u32 number)
{
	if (unlikely(set->all))
		sem_settle(set, number);
	return &set->semaphores[number];
}

/* The change of one semaphore that the end of the process takes back.  SETVAL and SETALL make all
 * processes forget it.  They do not look for the structures of all processes, but count a turn: a
 * change of an earlier turn is cleared here.  The caller holds set->ipc.lock. */
static inline s16 *sem_undo_change(struct sem_undo *undo, u32 number)
{
	u32 turn = undo->set->turn + undo->set->semaphores[number].turn;

	if (undo->of[number].turn != turn) {
		undo->of[number].turn = turn;
		undo->of[number].change = 0;
	}
	return &undo->of[number].change;
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
