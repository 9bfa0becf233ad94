/* SPDX-License-Identifier: MIT
 *
 * The tables of processes and threads: by number, by group, by session, and the family.
 *
 * Order of the locks, outermost first:
 *
 *   exec.lock (sleeping)   one exec() of a process at a time
 *   process_lock (irq)     family, tables, groups, sessions, lists of threads
 *   signals.lock (irq)     of one process; two are never held at the same time
 *   limits.lock (irq)      limits, timers; only the lock of the timers is taken under it
 *
 * A terminal releases its lock before it calls group.c, and terminals are called only with none of
 * these locks held.  docs/rooms/sync.md has the order of all locks of the kernel.  The list of a
 * process's threads changes under both process_lock and signals.lock; either is enough to walk it.
 *
 * References: the tree of PIDs holds one to a process until the process is reaped, and each thread
 * holds one to its process until the thread is freed.  A thread that runs holds one to itself, and
 * the hash of TIDs holds one.  The full table: docs/rooms/task.md.
 */
#include "kernel/task/process.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/abi.h"
#include "kernel/mem/page.h"
#include "kernel/task/internal.h"
#include "kernel/task/process_events.h"
#include "kernel/task/wait.h"

#define HASH_SIZE 512

struct treap process_trees[PROCESS_TREES];
static struct list threads[HASH_SIZE];
u32 threads_linked;

/* --- Tables ----------------------------------------------------------------------------------- */

static struct process *of_node(struct treap_node *n, enum process_tree tree)
{
	return treap_entry(n - tree, struct process, nodes[0]);
}

/* The order of a tree: by the number that the tree is about, then by PID. */
static u64 key_of(const struct process *p, enum process_tree tree)
{
	pid_t number = tree == BY_PID ? 0 : tree == BY_GROUP ? p->job.group : p->job.session;

	return (u64)number << 32 | (u32)p->pid;
}

struct process *process_from(enum process_tree tree, pid_t number, pid_t from)
{
	u64 wanted = (u64)number << 32 | (u32)from;
	struct process *best = NULL;

	assert_held(&process_lock);
	for (struct treap_node *n = process_trees[tree].root; n;) {
		bool below = key_of(of_node(n, tree), tree) < wanted;

		if (!below)
			best = of_node(n, tree);
		n = n->child[below];
	}
	return best && key_of(best, tree) >> 32 == (u32)number ? best : NULL;
}

void process_enter(struct process *p, enum process_tree tree)
{
	/* `link`: where the pointer to the new node belongs in the tree. */
	struct treap_node **link = &process_trees[tree].root, *up = NULL;
	u64 key = key_of(p, tree);

	assert_held(&process_lock);
	while (*link) {
		up = *link;
		link = &up->child[key_of(of_node(up, tree), tree) < key];
	}
	treap_insert(&process_trees[tree], &p->nodes[tree], up, link);
}

struct process *process_lookup(pid_t pid)
{
	struct process *p = process_from(BY_PID, 0, pid);

	return p && p->pid == pid ? p : NULL;
}

struct process *process_next(pid_t from)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct process *p = process_from(BY_PID, 0, from);

	if (p)
		process_get(p);
	spin_unlock_irq(&process_lock, flags);
	return p;
}

struct thread *thread_find(tid_t tid)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct thread *t, *found = NULL;

	list_for_each (t, &threads[(u32)tid % HASH_SIZE], tid_link)
		if (t->tid == tid) {
			thread_get(t);
			found = t;
			break;
		}
	spin_unlock_irq(&process_lock, flags);
	return found;
}

struct process *process_find(tid_t tid)
{
	struct thread *t = thread_find(tid);
	struct process *p = t ? t->process : NULL;

	if (p) {
		process_get(p);
		thread_put(t);
	}
	return p;
}

void process_number_release(pid_t number)
{
	if (number && !process_lookup(number) && !process_from(BY_GROUP, number, 0) &&
	    !process_from(BY_SESSION, number, 0))
		tid_free(number);
}

void process_link(struct process *p, struct process *parent)
{
	for (enum process_tree tree = BY_PID; tree < PROCESS_TREES; tree++)
		process_enter(p, tree);
	p->parent = parent;
	list_push_back(&parent->children, &p->sibling_link);
	process_get(p);
}

void process_unlink(struct process *p)
{
	u64 flags;

	assert_held(&process_lock);
	for (enum process_tree tree = BY_PID; tree < PROCESS_TREES; tree++)
		treap_remove(&process_trees[tree], &p->nodes[tree]);
	list_remove(&p->sibling_link);
	p->parent->child_events++;
	flags = spin_lock_irq(&p->signals.lock);
	thread_unlink(p->leader);
	spin_unlock_irq(&p->signals.lock, flags);
	process_number_release(p->pid);
	if (p->job.group != p->pid)
		process_number_release(p->job.group);
	if (p->job.session != p->pid && p->job.session != p->job.group)
		process_number_release(p->job.session);
}

void thread_link(struct thread *t, struct process *p)
{
	assert_held(&process_lock);
	assert_held(&p->signals.lock);
	t->process = p;
	t->pid = p->pid;
	process_get(p);
	WRITE_ONCE(p->thread_count, p->thread_count + 1);
	list_push_back(&p->threads, &t->process_link);
	list_push_back(&threads[(u32)t->tid % HASH_SIZE], &t->tid_link);
	threads_linked++;
	thread_get(t);
}

void thread_renumber(struct thread *t, tid_t tid)
{
	assert_held(&process_lock);
	list_remove(&t->tid_link);
	t->tid = tid;
	list_push_back(&threads[(u32)tid % HASH_SIZE], &t->tid_link);
}

void thread_unlink(struct thread *t)
{
	assert_held(&process_lock);
	assert_held(&t->process->signals.lock);
	process_event(unlink, t);
	list_remove(&t->process_link);
	list_remove(&t->tid_link);
	threads_linked--;
	__atomic_fetch_add(&threads_left, 1, __ATOMIC_RELAXED);
}

void process_tables_init(void)
{
	for (u32 i = 0; i < HASH_SIZE; i++)
		list_init(&threads[i]);
}
