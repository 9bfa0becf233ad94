/* SPDX-License-Identifier: MIT
 *
 * SEM_UNDO (semop(2)): what a process has changed is changed back when it ends.  The threads of a
 * process share this; a child has none of its parent's, and exec keeps it.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/sysv/sem.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

/* Those of one process.  Under undo_lock. */
struct undos {
	struct list all;      /* struct sem_undo.process_link */
	struct treap by_set; /* struct sem_undo.node */
};

static DEFINE_PER_PROCESS(struct undos, sem_undos);
static struct lock_class undo_class = {"semaphore undo", 0};
static struct spinlock undo_lock = SPINLOCK_INIT(&undo_class);

static void undo_free(struct sem_undo *undo)
{
	ipc_put(&undo->set->ipc);
	ipc_free(undo);
}

/* The structure for `set`; if there is none, `new` is entered and returned, which may be NULL.  The
 * caller holds undo_lock. */
static struct sem_undo *undo_find(struct undos *u, const struct sem_set *set, struct sem_undo *new)
{
	struct treap_node *parent = NULL, **link = &u->by_set.root;

	while (*link) {
		struct sem_undo *at = treap_entry(*link, struct sem_undo, node);

		if (at->set == set)
			return at;
		parent = *link;
		link = &parent->child[(uintptr_t)set > (uintptr_t)at->set];
	}
	if (new) {
		treap_insert(&u->by_set, &new->node, parent, link);
		list_push_back(&u->all, &new->process_link);
	}
	return new;
}

/* Take out the next structure of the list if its set has been removed, or return NULL.  So it costs
 * the same however many there are.  The caller holds undo_lock. */
static struct sem_undo *undo_take_old(struct undos *u)
{
	struct list *first = u->all.next ? list_pop_front(&u->all) : NULL;
	struct sem_undo *undo = first ? list_entry(first, struct sem_undo, process_link) : NULL;

	if (!u->all.next)
		list_init(&u->all);
	if (!undo)
		return NULL;
	if (!READ_ONCE(undo->set->ipc.removed)) {
		list_push_back(&u->all, &undo->process_link);
		return NULL;
	}
	treap_remove(&u->by_set, &undo->node);
	return undo;
}

/* Each call may add one, but looks at two: so those of removed sets are not many more than those of
 * others, however many sets the process has used. */
struct sem_undo *sem_undo_get(struct sem_set *set)
{
	struct undos *mine = per_process(current_process(), sem_undos);
	struct sem_undo *undo, *old[2], *new;

	spin_lock(&undo_lock);
	old[0] = undo_take_old(mine);
	old[1] = undo_take_old(mine);
	undo = undo_find(mine, set, NULL);
	spin_unlock(&undo_lock);
	for (u32 i = 0; i < ARRAY_SIZE(old); i++)
		if (old[i])
			undo_free(old[i]);
	if (undo)
		return undo;
	new = ipc_alloc(sizeof(*new) + set->count * sizeof(new->of[0]));
	if (!new)
		return ERR_PTR(-ENOMEM);
	refcount_get(&set->ipc.refs);
	new->set = set;
	spin_lock(&undo_lock);
	undo = undo_find(mine, set, new); /* another thread of the process may have been faster */
	spin_unlock(&undo_lock);
	if (undo != new)
		undo_free(new);
	return undo;
}

/* Change the semaphores of a set back, to values that they can have (semop(2): Linux does not
 * wait). */
static void undo_apply(struct sem_undo *undo, s32 pid)
{
	struct sem_set *set = undo->set;

	spin_lock(&set->ipc.lock);
	for (u32 i = 0; i < set->count && !set->ipc.removed; i++) {
		struct semaphore *s = sem_at(set, i);
		s16 change = *sem_undo_change(undo, i);

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
	struct list *all = &per_process(p, sem_undos)->all, *l;

	/* The last thread ends, so no other one uses them. */
	while (all->next && (l = list_pop_front(all))) {
		struct sem_undo *undo = list_entry(l, struct sem_undo, process_link);

		undo_apply(undo, p->pid);
		undo_free(undo);
	}
}

ON_EVENT(exit, undo_all);
