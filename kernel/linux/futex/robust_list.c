/* SPDX-License-Identifier: MIT
 *
 * The robust list: the locks that a thread owns.  If the thread ends without releasing them, the
 * kernel marks them and wakes a waiter of each (get_robust_list(2)).
 */
#include "kernel/ipc/futex.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/futex/cmpxchg_user.h"
#include "kernel/linux/futex/owner.h"
#include "kernel/linux/rights.h"
#include "kernel/sys/calls.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"
#include "kernel/vm/usercopy.h"

#define ROBUST_LIST_LIMIT 2048

#define ROBUST_HEAD_SIZE  24

static DEFINE_PER_THREAD(u64, robust_list); /* user address of the list head; 0: no list */

SYSCALL2(set_robust_list, head, size)
{
	struct thread *t = current_thread();

	if (size != ROBUST_HEAD_SIZE)
		return -EINVAL;
	*per_thread(t, robust_list) = head;
	return 0;
}

SYSCALL3(get_robust_list, tid, user_head, user_size)
{
	struct thread *t = thread_by_argument((tid_t)tid);
	bool allowed;
	u64 head;

	if (!t)
		return -ESRCH;
	allowed = may_inspect(t);
	head = READ_ONCE(*per_thread(t, robust_list));
	thread_put(t);
	if (!allowed)
		return -EPERM;
	if (put_user_u64((u64 *)user_size, ROBUST_HEAD_SIZE))
		return -EFAULT;
	return put_user_u64((u64 *)user_head, head);
}

/* --- The end of a thread ---------------------------------------------------------------------- */

/* Mark one lock of the list if the calling thread owns it, and wake a waiter.  `pending`: the
 * thread may have been killed after it released the lock and before it woke the next owner, or
 * after it was woken and before it took the lock, so a lock without an owner gets a wake-up too.
 * 0 or -EFAULT. */
static int robust_mark(u64 address, bool pi, bool pending)
{
	u32 tid = (u32)current_thread()->tid, value, seen;

	if (address & 3 || get_user_u32(&value, (u32 *)address))
		return -EFAULT;
	for (;;) {
		if (pending && !pi && !(value & FUTEX_TID_MASK))
			futex_wake(address, true, 1, FUTEX_BITSET_ANY);
		if ((value & FUTEX_TID_MASK) != tid)
			return 0;
		seen = value;
		if (cmpxchg_user_u32_nofault((u32 *)address, &seen,
					     (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED)) {
			if (fault_in_user(address, true))
				return -EFAULT;
		} else if (seen == value) {
			break;
		} else {
			value = seen;
		}
	}
	if (!pi && value & FUTEX_WAITERS)
		futex_wake(address, true, 1, FUTEX_BITSET_ANY);
	return 0;
}

/* The list that set_robust_list(2) describes: each entry's address with bit 0 for a PI lock; the
 * lock lies `offset` bytes from its entry; one operation may be pending outside the list. */
static void robust_list_walk(u64 head)
{
	u64 words[3], entry, next, pending; /* next, offset, pending */

	if (copy_from_user(words, (void *)head, sizeof(words)))
		return;
	pending = words[2];
	entry = words[0];
	for (u32 i = 0; i < ROBUST_LIST_LIMIT && (entry & ~1UL) != head; i++) {
		/* Read the next pointer first: another thread may free a lock once it is marked. */
		int error = get_user_u64(&next, (u64 *)(entry & ~1UL));

		if ((entry ^ pending) & ~1UL &&
		    robust_mark((entry & ~1UL) + words[1], entry & 1, false))
			return;
		if (error)
			return;
		entry = next;
	}
	if (pending & ~1UL)
		robust_mark((pending & ~1UL) + words[1], pending & 1, true);
}

/* A thread exits or execs: mark the locks of its robust list, and wake the waiters for its PI
 * locks. */
static void leave_program(struct thread *t)
{
	u64 *head = per_thread(t, robust_list);

	if (*head)
		robust_list_walk(*head);
	*head = 0;
	futex_pi_owner_leaves(t);
}

static void exec(struct process *p)
{
	futex_pi_owner_returns(current_thread());
}

ON_EVENT(leave_program, leave_program);
ON_EVENT(exec, exec);
