/* SPDX-License-Identifier: MIT
 *
 * The operations of semop(2): those of one call happen together or not at all.
 */
#include "kernel/linux/errno.h"
#include "kernel/linux/sysv/sem.h"

#define OPERATIONS_MAX 16 /* before others get the lock for a moment */

/* Carry out one operation.  0, SEM_MUST_WAIT, -EAGAIN or -ERANGE; then nothing has changed. */
static int op_do(struct sem_set *set, struct sem_call *c, const struct sembuf *op)
{
	struct semaphore *s = sem_at(set, op->number);
	s32 value = s->value + op->change, back;
	s16 *undo;

	if (value < 0 || (!op->change && value))
		return op->flags & IPC_NOWAIT ? -EAGAIN : SEM_MUST_WAIT;
	if (value > SEM_VALUE_MAX)
		return -ERANGE;
	if (op->flags & SEM_UNDO && op->change) {
		undo = sem_undo_change(c->undo, op->number);
		back = *undo - op->change;
		if (back < -SEM_VALUE_MAX - 1 || back > SEM_VALUE_MAX)
			return -ERANGE;
		*undo = (s16)back;
	}
	s->value = value;
	return 0;
}

static void op_take_back(struct sem_set *set, struct sem_call *c, const struct sembuf *op)
{
	set->semaphores[op->number].value -= op->change;
	if (op->flags & SEM_UNDO && op->change)
		c->undo->of[op->number].change += op->change;
}

void sem_settle(struct sem_set *set, u32 number)
{
	struct semaphore *s = &set->semaphores[number];
	u16 *value = &set->all[number];

	if (!set->all_pid && *value == SEM_NO_VALUE) {
		*value = (u16)s->value;
	} else if (set->all_pid && *value != SEM_NO_VALUE) {
		s->value = *value;
		s->pid = set->all_pid;
		*value = SEM_NO_VALUE;
		sem_changed(set, s);
	}
}

void sem_changed(struct sem_set *set, struct semaphore *s)
{
	bool waited_for = !list_empty(&s->to_rise.calls) || !list_empty(&s->to_be_zero);

	s->zeros += !s->value;
	if (waited_for && list_empty(&s->changed_link))
		list_push_back(&set->changed, &s->changed_link);
}

int sem_call_do(struct sem_set *set, struct sem_call *c)
{
	int result = 0;
	u32 i;

	if (set->ipc.removed) /* so c->undo may have been freed */
		return -EIDRM;
	for (i = 0; i < c->count && !result; i++)
		result = op_do(set, c, &c->ops[i]);
	if (result) {
		c->blocking = &c->ops[--i];
		while (i--)
			op_take_back(set, c, &c->ops[i]);
		return result;
	}
	while (i--) {
		struct semaphore *s = &set->semaphores[c->ops[i].number];

		s->pid = c->pid;
		if (c->ops[i].change)
			sem_changed(set, s);
	}
	set->operated = ipc_now();
	return 0;
}

/* Count a call that waits at the semaphore that blocks it, or no longer. */
static void count_blocked(struct sem_set *set, const struct sem_call *c, s32 by)
{
	set->semaphores[c->blocking->number].waiting[!c->blocking->change] += by;
}

/* Wait until the semaphore is zero.  If it was, the call has succeeded, also if it was raised again
 * before the thread was woken, or before a signal or the deadline has woken it. */
static int zero_wait(struct sem_set *set, struct semaphore *s, struct sem_call *c, u64 deadline)
{
	int result;

	c->zeros = s->zeros;
	result = handoff_sleep(&c->handoff, &s->to_be_zero, &set->ipc.lock, "semop", deadline);
	return c->zeros != s->zeros ? 0 : result;
}

int sem_call_wait(struct sem_set *set, struct sem_call *c, u64 deadline)
{
	struct semaphore *s = &set->semaphores[c->ops[0].number];
	int result;

	count_blocked(set, c, 1);
	/* Those at the semaphores are looked at first: so they must have come before all that wait
	 * in the set. */
	if (c->count > 1 || (c->changes && !list_empty(&set->waiting))) {
		set->zero_waiters += c->tests_zero;
		result =
		    handoff_sleep(&c->handoff, &set->waiting, &set->ipc.lock, "semop", deadline);
		set->zero_waiters -= c->tests_zero;
	} else if (c->changes) {
		c->handoff.size = (u64)-c->ops[0].change;
		result = room_sleep(&s->to_rise, &c->handoff, &set->ipc.lock, "semop", deadline);
	} else {
		result = zero_wait(set, s, c, deadline);
	}
	if (c->blocking)
		count_blocked(set, c, -1);
	return result;
}

/* A semaphore and its set. */
struct place {
	struct sem_set *set;
	u32 number;
};

static u64 value_of(const void *place)
{
	const struct place *at = place;

	return (u64)sem_at(at->set, at->number)->value;
}

static struct sem_call *call_of(struct handoff *h)
{
	return container_of(h, struct sem_call, handoff);
}

static void call_end(struct sem_set *set, struct sem_call *c, int result)
{
	if (c->blocking)
		count_blocked(set, c, -1);
	c->blocking = NULL;
	handoff_wake(&c->handoff, result);
}

/* At each 16th step others get the lock for a moment. */
static void let_others(struct sem_set *set, u32 *steps)
{
	if (++*steps % OPERATIONS_MAX == 0) {
		spin_unlock(&set->ipc.lock);
		spin_lock(&set->ipc.lock);
	}
}

/* Carry out the calls of one operation that wait for this semaphore and can go on. */
static void wake_at(struct sem_set *set, struct semaphore *s, u32 *steps)
{
	struct place place = {set, (u32)(s - set->semaphores)};
	struct handoff at = {0}, *h;

	while ((h = room_first_fit(&s->to_rise, &set->ipc.lock, value_of, &place))) {
		call_end(set, call_of(h), sem_call_do(set, call_of(h)));
		let_others(set, steps);
	}
	/* All that waited when it was zero: one that is woken may have raised it again. */
	list_push_front(&s->to_be_zero, &at.link);
	while ((h = handoff_walk(&s->to_be_zero, &at, &set->ipc.lock)) &&
	       call_of(h)->zeros != s->zeros) {
		s->pid = s->value ? s->pid : call_of(h)->pid;
		call_end(set, call_of(h), 0);
	}
	list_remove(&at.link);
}

/* Carry out calls that wait in the set and can go on.  True: the last of them has raised a value,
 * or lowered one for which others wait, so that earlier ones may be able to go on, too. */
static bool wake_several(struct sem_set *set)
{
	struct handoff at = {0}, *h;
	u32 operations = 0;
	bool again = false;

	list_push_front(&set->waiting, &at.link);
	while (!again && (h = handoff_walk(&set->waiting, &at, &set->ipc.lock))) {
		struct sem_call *c = call_of(h);
		int result;

		operations += c->count;
		if (operations >= OPERATIONS_MAX) {
			operations = 0;
			at.result = -1; /* a pause at the next step */
		}
		count_blocked(set, c, -1);
		result = sem_call_do(set, c);
		if (result == SEM_MUST_WAIT) {
			count_blocked(set, c, 1);
			continue;
		}
		again = !result && (c->raises || (c->changes && set->zero_waiters));
		c->blocking = NULL;
		call_end(set, c, result);
	}
	list_remove(&at.link);
	return again;
}

void sem_wake(struct sem_set *set)
{
	struct list *l;
	u32 steps = 0;
	bool again;

	do {
		while ((l = list_pop_front(&set->changed))) {
			wake_at(set, list_entry(l, struct semaphore, changed_link), &steps);
			let_others(set, &steps);
		}
		again = wake_several(set);
	} while (again || !list_empty(&set->changed));
}
