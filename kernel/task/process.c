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
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"
#include "kernel/task/process_events.h"
#include "kernel/task/wait.h"

#define HASH_SIZE 512

static struct treap processes; /* by PID */
static struct list threads[HASH_SIZE], groups[HASH_SIZE], sessions[HASH_SIZE];
u32 threads_linked;

/* --- Tables ----------------------------------------------------------------------------------- */

/* The process with the lowest PID >= from, without a reference; NULL if there is none. */
static struct process *lookup_from(pid_t from)
{
	struct process *best = NULL;

	assert_held(&process_lock);
	for (struct treap_node *n = processes.root; n;) {
		struct process *p = treap_entry(n, struct process, pid_node);

		if (p->pid >= from)
			best = p;
		if (p->pid == from)
			break;
		n = p->pid > from ? n->left : n->right;
	}
	return best;
}

struct process *process_lookup(pid_t pid)
{
	struct process *p = lookup_from(pid);

	return p && p->pid == pid ? p : NULL;
}

struct process *process_next(pid_t from)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct process *p = lookup_from(from);

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

struct list *process_group_bucket(pid_t group)
{
	return &groups[(u32)group % HASH_SIZE];
}

struct list *process_session_bucket(pid_t session)
{
	return &sessions[(u32)session % HASH_SIZE];
}

struct process *process_group_member(pid_t group, pid_t session)
{
	struct process *p;

	list_for_each (p, process_group_bucket(group), job.group_link)
		if (p->job.group == group && (!session || p->job.session == session))
			return p;
	return NULL;
}

void process_number_release(pid_t number)
{
	struct process *p;

	assert_held(&process_lock);
	if (!number || process_lookup(number) || process_group_member(number, 0))
		return;
	list_for_each (p, process_session_bucket(number), job.session_link)
		if (p->job.session == number)
			return;
	tid_free(number);
}

void process_link(struct process *p, struct process *parent)
{
	/* `link`: where the pointer to the new node belongs in the tree. */
	struct treap_node **link = &processes.root, *up = NULL;

	assert_held(&process_lock);
	while (*link) {
		up = *link;
		link = p->pid < treap_entry(up, struct process, pid_node)->pid ? &up->left
									       : &up->right;
	}
	treap_insert(&processes, &p->pid_node, up, link);
	list_push_back(process_group_bucket(p->job.group), &p->job.group_link);
	list_push_back(process_session_bucket(p->job.session), &p->job.session_link);
	p->parent = parent;
	list_push_back(&parent->children, &p->sibling_link);
	process_get(p);
}

void process_unlink(struct process *p)
{
	u64 flags;

	assert_held(&process_lock);
	treap_remove(&processes, &p->pid_node);
	list_remove(&p->job.group_link);
	list_remove(&p->job.session_link);
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
	p->thread_count++;
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
	for (u32 i = 0; i < HASH_SIZE; i++) {
		list_init(&threads[i]);
		list_init(&groups[i]);
		list_init(&sessions[i]);
	}
}
