/* SPDX-License-Identifier: MIT
 *
 * What each user has: threads (RLIMIT_NPROC), queued signals (RLIMIT_SIGPENDING), open files in
 * flight over sockets (unix(7), ETOOMANYREFS), and pages of enlarged pipes (pipe(7)).
 *
 * A user is in the table while it has something, and root always.  Threads of root are not counted,
 * since no limit but that of the machine binds them.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/rights/rights.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"
#include "kernel/linux/rights.h"
#include "kernel/task/probe.h"
#include "kernel/task/process_events.h"

#define HASH_SIZE      64
#define PIPE_PAGES_MAX 16384 /* pipe-user-pages-soft */

enum kind { THREADS, SIGNALS, FILES, PIPE_PAGES, KINDS };

struct user {
	struct user *next; /* in the same bucket */
	u32 uid;
	u64 has[KINDS];
};

/* The thread is counted; and the next one that it makes is counted already. */
static DEFINE_PER_THREAD(bool, is_counted);
static DEFINE_PER_THREAD(bool, is_admitting);
DEFINE_SPINLOCK(users_lock); /* irq */
static struct user root;
static struct user *users[HASH_SIZE] = {&root};

/* The link to the user, or the one at which it would be inserted.  The caller holds users_lock. */
static struct user **find(u32 uid)
{
	struct user **link = &users[uid % HASH_SIZE];

	assert_held(&users_lock);
	while (*link && (*link)->uid != uid)
		link = &(*link)->next;
	return link;
}

/* Add to what a user has of this kind.  -EAGAIN: no memory for a new user, or it has `limit` or
 * more already. */
static int add(u32 uid, enum kind kind, s32 change, u64 limit)
{
	u64 flags = spin_lock_irq(&users_lock);
	struct user **link = find(uid), *u = *link, *unused = NULL;
	int error = 0;

	if (!u && change > 0) {
		u = *link = kzalloc(sizeof(*u));
		if (u)
			u->uid = uid;
	}
	if (!u || (change > 0 && u->has[kind] >= limit))
		error = -EAGAIN;
	else
		u->has[kind] += (u64)(s64)change;
	if (u && u != &root && !u->has[THREADS] && !u->has[SIGNALS] && !u->has[FILES] &&
	    !u->has[PIPE_PAGES]) {
		unused = u;
		*link = u->next;
	}
	spin_unlock_irq(&users_lock, flags);
	kfree(unused);
	return error;
}

static u64 count(u32 uid, enum kind kind)
{
	u64 flags = spin_lock_irq(&users_lock);
	struct user *u = *find(uid);
	u64 n = u ? READ_ONCE(u->has[kind]) : 0;

	spin_unlock_irq(&users_lock, flags);
	return n;
}

/* Capabilities lift the limits of a user: getrlimit(2), unix(7), pipe(7). */
static bool is_unlimited(void)
{
	return capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
}

/* The most that the user of the calling thread may have. */
static u64 maximum(u32 limit)
{
	return is_unlimited() ? UINT64_MAX : current_limit(limit);
}

/* --- Threads ---------------------------------------------------------------------------------- */

int rights_admit(void)
{
	bool *admitted = per_thread(current_thread(), is_admitting);

	if (*admitted) /* left from a clone() that failed */
		return 0;
	if (add(current_thread()->credentials.uid, THREADS, 1, maximum(RLIMIT_NPROC)))
		return -EAGAIN;
	*admitted = true;
	return 0;
}

/* The new thread takes over what rights_admit() has counted. */
static void clone(struct thread *t)
{
	*per_thread(current_thread(), is_admitting) = false;
	*per_thread(t, is_counted) = t->credentials.uid != 0;
}

/* Also called for a thread that was never in the tables, when it is freed. */
static void forget(struct thread *t)
{
	s32 n = *per_thread(t, is_counted) + *per_thread(t, is_admitting);

	if (n)
		(void)add(t->credentials.uid, THREADS, -n, 0);
	*per_thread(t, is_counted) = *per_thread(t, is_admitting) = false;
}

ON_EVENT(clone, clone);
ON_EVENT(unlink, forget);
ON_EVENT(free, forget);

int users_move_thread(u32 new)
{
	struct thread *t = current_thread();

	if (new &&add(new, THREADS, 1, UINT64_MAX))
		return -EAGAIN;
	forget(t);
	*per_thread(t, is_counted) = new != 0;
	return 0;
}

bool users_too_many_threads(void)
{
	u32 uid = current_thread()->credentials.uid;

	return uid && count(uid, THREADS) > maximum(RLIMIT_NPROC);
}

/* --- Signals ---------------------------------------------------------------------------------- */

/* The queued signals of a process are counted for one user, also if its ids change meanwhile. */
struct signal_count {
	u32 uid, queued;
};

static DEFINE_PER_PROCESS(struct signal_count, signal_count);

static struct signal_count *signal_count_of(struct process *p)
{
	struct signal_count *c = per_process(p, signal_count);

	if (!c->queued && !list_empty(&p->threads))
		c->uid = READ_ONCE(
		    list_first(&p->threads, struct thread, process_link)->credentials.uid);
	return c;
}

u64 rights_queued_signals(struct process *p)
{
	return count(signal_count_of(p)->uid, SIGNALS);
}

/* As add() for signals of root, which is in the table for ever: without the lock.  While the limit is
 * exceeded for a moment, others may be refused too. */
static int add_to_root(s32 change, u64 limit)
{
	u64 old = __atomic_fetch_add(&root.has[SIGNALS], (u64)(s64)change, __ATOMIC_RELAXED);

	if (change < 0 || old < limit)
		return 0;
	__atomic_fetch_sub(&root.has[SIGNALS], (u64)(s64)change, __ATOMIC_RELAXED);
	return -EAGAIN;
}

bool rights_count_signal(struct process *p, s32 change, u64 limit)
{
	struct signal_count *c = signal_count_of(p);

	if (c->uid ? add(c->uid, SIGNALS, change, limit) : add_to_root(change, limit))
		return false;
	c->queued += (u32)change;
	return true;
}

/* --- Files in flight -------------------------------------------------------------------------- */

/* As on Linux, the last message may exceed the limit. */
bool rights_count_files(u32 uid, s32 change)
{
	u64 limit = change > 0 ? maximum(RLIMIT_NOFILE) : 0;

	return !add(uid, FILES, change, limit < UINT64_MAX ? limit + 1 : limit);
}

/* --- Pipes ------------------------------------------------------------------------------------ */

bool rights_count_pipe_pages(u32 uid, s32 change)
{
	return !add(uid, PIPE_PAGES, change,
		    is_unlimited() ? UINT64_MAX : (u64)(s64)(PIPE_PAGES_MAX + 1 - change));
}
