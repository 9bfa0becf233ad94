/* SPDX-License-Identifier: MIT
 *
 * SEM_UNDO (semop(2)): what a process has changed is changed back when it ends.  The threads of a
 * process share this; a child has none of its parent's, and exec keeps it.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/list_splice.h"
#include "kernel/linux/sysv/sem.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

static DEFINE_PER_PROCESS(struct list, sem_undos); /* struct sem_undo.process_link */
static struct lock_class undo_class = {"semaphore undo", 0};
static struct spinlock undo_lock = SPINLOCK_INIT(&undo_class);

/* The caller holds undo_lock. */
static struct list *undos_of(struct process *p)
{
	struct list *undos = per_process(p, sem_undos);

	if (!undos->next)
		list_init(undos);
	return undos;
}

static void undo_free(struct sem_undo *undo)
{
	struct sem_set *set = undo->set;

	spin_lock(&set->ipc.lock);
	list_remove(&undo->set_link);
	spin_unlock(&set->ipc.lock);
	ipc_put(&set->ipc);
	ipc_free(undo);
}

/* The structure of the calling process for `set`, or NULL.  Those of removed sets go to `old`. */
static struct sem_undo *undo_find(const struct sem_set *set, struct list *old)
{
	struct sem_undo *u, *next, *found = NULL;

	spin_lock(&undo_lock);
	list_for_each_safe (u, next, undos_of(current_process()), process_link) {
		if (u->set == set) {
			found = u;
		} else if (READ_ONCE(u->set->ipc.removed)) {
			list_remove(&u->process_link);
			list_push_back(old, &u->process_link);
		}
	}
	spin_unlock(&undo_lock);
	return found;
}

static void undos_free(struct list *undos)
{
	struct list *l;

	while ((l = list_pop_front(undos)))
		undo_free(list_entry(l, struct sem_undo, process_link));
}

struct sem_undo *sem_undo_get(struct sem_set *set)
{
	struct list old = LIST_INIT(old);
	struct sem_undo *new, *other, *undo = undo_find(set, &old);

	undos_free(&old);
	if (undo)
		return undo;
	new = ipc_alloc(sizeof(*new) + set->count * sizeof(new->change[0]));
	if (!new)
		return ERR_PTR(-ENOMEM);
	refcount_get(&set->ipc.refs);
	new->set = set;
	spin_lock(&set->ipc.lock);
	list_push_back(&set->undos, &new->set_link);
	spin_unlock(&set->ipc.lock);
	/* Another thread of the process may have been faster. */
	spin_lock(&undo_lock);
	list_for_each (other, undos_of(current_process()), process_link)
		if (other->set == set)
			undo = other;
	if (!undo)
		list_push_back(undos_of(current_process()), &new->process_link);
	spin_unlock(&undo_lock);
	if (undo)
		undo_free(new);
	return undo ?: new;
}

void sem_undo_clear(struct sem_set *set, u32 number)
{
	struct sem_undo *u;

	list_for_each (u, &set->undos, set_link)
		u->change[number] = 0;
}

/* Change the semaphores of a set back, to values that they can have (semop(2): Linux does not
 * wait). */
static void undo_apply(struct sem_undo *undo, s32 pid)
{
	struct sem_set *set = undo->set;

	spin_lock(&set->ipc.lock);
	for (u32 i = 0; i < set->count && !set->ipc.removed; i++) {
		struct semaphore *s = &set->semaphores[i];
		s16 change = sem_undo_changes(undo)[i];

		if (change) {
			s->value = MIN(MAX(s->value + change, 0), SEM_VALUE_MAX);
			s->pid = pid;
			sem_changed(set, s);
		}
		if (i % 256 == 255) { /* others get the lock for a moment */
			spin_unlock(&set->ipc.lock);
			spin_lock(&set->ipc.lock);
		}
	}
	if (!set->ipc.removed) {
		set->operated = ipc_now();
		sem_wake(set);
	}
	spin_unlock(&set->ipc.lock);
}

static void undo_all(struct process *p)
{
	struct list mine = LIST_INIT(mine);
	struct sem_undo *u;

	spin_lock(&undo_lock);
	list_splice(&mine, undos_of(p));
	spin_unlock(&undo_lock);
	list_for_each (u, &mine, process_link)
		undo_apply(u, p->pid);
	undos_free(&mine);
}

ON_EVENT(exit, undo_all);
