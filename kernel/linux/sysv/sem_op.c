/* SPDX-License-Identifier: MIT
 *
 * The operations of semop(2): those of one call happen together or not at all.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/sysv/sem.h"

#define OPERATIONS_MAX 16 /* before others get the lock for a moment */

/* Carry out one operation.  0, SEM_MUST_WAIT, -EAGAIN or -ERANGE; then nothing has changed. */
static int op_do(struct sem_set *set, struct sem_call *c, const struct sembuf *op)
{
	struct semaphore *s = &set->semaphores[op->number];
	s32 value = s->value + op->change, back;

	if (value < 0 || (!op->change && value))
		return op->flags & IPC_NOWAIT ? -EAGAIN : SEM_MUST_WAIT;
	if (value > SEM_VALUE_MAX)
		return -ERANGE;
	if (op->flags & SEM_UNDO && op->change) {
		back = c->undo->change[op->number] - op->change;
		if (back < -SEM_VALUE_MAX - 1 || back > SEM_VALUE_MAX)
			return -ERANGE;
		c->undo->change[op->number] = (s16)back;
	}
	s->value = value;
	return 0;
}

static void op_take_back(struct sem_set *set, struct sem_call *c, const struct sembuf *op)
{
	set->semaphores[op->number].value -= op->change;
	if (op->flags & SEM_UNDO && op->change)
		c->undo->change[op->number] = (s16)(c->undo->change[op->number] + op->change);
}

int sem_call_do(struct sem_set *set, struct sem_call *c)
{
	int result = 0;
	u32 i;

	for (i = 0; i < c->count && !result; i++)
		result = op_do(set, c, &c->ops[i]);
	if (result) {
		c->blocking = &c->ops[--i];
		while (i--)
			op_take_back(set, c, &c->ops[i]);
		return result;
	}
	while (i--)
		set->semaphores[c->ops[i].number].pid = c->pid;
	set->operated = ipc_now();
	return 0;
}

/* Let others have the lock for a moment, in a walk over the waiting calls that goes on at `next`.  They
 * find `place` there, which is no call.  Returns where to go on; NULL: the set has been removed. */
static struct sem_call *let_others(struct sem_set *set, struct sem_call *place, struct sem_call *next)
{
	list_insert_between(&place->handoff.link, next->handoff.link.prev, &next->handoff.link);
	spin_unlock(&set->ipc.lock);
	spin_lock(&set->ipc.lock);
	next = list_entry(place->handoff.link.next, struct sem_call, handoff.link);
	list_remove(&place->handoff.link);
	return set->ipc.removed ? NULL : next;
}

/* A call that has been carried out may let earlier ones go on, but only by a value that it has
 * raised, or lowered to zero. */
void sem_wake(struct sem_set *set)
{
	struct sem_call *c, *next, place = {.count = 0};
	u32 operations = 0;
	bool again;

	do {
		again = false;
		list_for_each_safe (c, next, &set->waiting, handoff.link) {
			int result;

			if (!c->count) /* the place of another thread */
				continue;
			operations += c->count;
			result = sem_call_do(set, c);
			if (result != SEM_MUST_WAIT) {
				again = !result && (c->raises || (c->changes && set->zero_waiters));
				handoff_wake(&c->handoff, result);
			}
			if (operations >= OPERATIONS_MAX) {
				operations = 0;
				next = let_others(set, &place, next);
				if (!next)
					return;
			}
			if (again)
				break;
		}
	} while (again);
}
