/* SPDX-License-Identifier: MIT
 *
 * futex(2) and the robust list.
 */
#include "kernel/ipc/futex.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

/* restart.arg: address, expected value and shared << 32, deadline, bitset. */
static u64 wait_go_on(struct thread *t)
{
	u64 deadline = t->restart.arg[2];
	long result = futex_wait(t->restart.arg[0], t->restart.arg[1] >> 32, (u32)t->restart.arg[1],
				 deadline, (u32)t->restart.arg[3]);

	if (result != -EINTR)
		return (u64)result;
	if (deadline == WAIT_FOREVER)
		return (u64)-ERESTARTSYS;
	t->restart.fn = wait_go_on;
	return (u64)-ERESTART_RESTARTBLOCK;
}

static long wait_start(u64 address, bool shared, u32 expected, u64 deadline, u32 bitset)
{
	struct thread *t = current_thread();

	t->restart.arg[0] = address;
	t->restart.arg[1] = (u64)shared << 32 | expected;
	t->restart.arg[2] = deadline;
	t->restart.arg[3] = bitset;
	return (long)wait_go_on(t);
}

/* FUTEX_WAIT's timeout is relative, the others' a time of the clock that the call names; that of
 * LOCK_PI always CLOCK_REALTIME. */
static int timeout_get(u32 command, bool realtime, u64 user, u64 *deadline)
{
	int error;

	*deadline = WAIT_FOREVER;
	if (!user)
		return 0;
	error = time_get(user, TIMESPEC, deadline);
	if (error)
		return error;
	if (command == FUTEX_WAIT)
		*deadline = deadline_after(*deadline);
	else if (realtime || command == FUTEX_LOCK_PI)
		*deadline = deadline_of_realtime(*deadline);
	return 0;
}

SYSCALL6(futex, address, operation, value, timeout, address2, value3)
{
	u32 command = (u32)operation & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	bool shared = !(operation & FUTEX_PRIVATE_FLAG),
	     realtime = operation & FUTEX_CLOCK_REALTIME;
	u64 deadline = WAIT_FOREVER;
	long result;

	if (realtime && command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI ||
	    command == FUTEX_LOCK_PI2) {
		result = timeout_get(command, realtime, timeout, &deadline);
		if (result)
			return result;
	}
	switch (command) {
	case FUTEX_WAIT:
		value3 = FUTEX_BITSET_ANY;
		/* fall through */
	case FUTEX_WAIT_BITSET:
		return wait_start(address, shared, (u32)value, deadline, (u32)value3);
	case FUTEX_WAKE:
		value3 = FUTEX_BITSET_ANY;
		/* fall through */
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, shared, (u32)value, (u32)value3);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE: /* the count to move stands in the timeout's place */
		if ((s32)value < 0 || (s32)timeout < 0)
			return -EINVAL;
		return futex_requeue(address, address2, shared, (u32)value, (u32)timeout,
				     command == FUTEX_CMP_REQUEUE, (u32)value3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_TRYLOCK_PI:
		result = futex_lock_pi(address, shared, deadline, command == FUTEX_TRYLOCK_PI);
		return result == -EINTR ? -ERESTARTNOINTR : result;
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(address, shared);
	}
	return -ENOSYS;
}

#define ROBUST_HEAD_SIZE 24

SYSCALL2(set_robust_list, head, size)
{
	struct thread *t = current_thread();

	if (size != ROBUST_HEAD_SIZE)
		return -EINVAL;
	t->robust_list = head;
	t->robust_list_size = size;
	return 0;
}

SYSCALL3(get_robust_list, tid, user_head, user_size)
{
	struct thread *t = thread_by_argument((tid_t)tid);
	u64 head;

	if (!t)
		return -ESRCH;
	head = READ_ONCE(t->robust_list);
	thread_put(t);
	if (put_user_u64((u64 *)user_size, ROBUST_HEAD_SIZE))
		return -EFAULT;
	return put_user_u64((u64 *)user_head, head);
}
