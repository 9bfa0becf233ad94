/* SPDX-License-Identifier: MIT
 *
 * futex(2): waiting, waking and moving waiters.  Extensions add further commands.
 */
#include "kernel/ipc/futex.h"
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/sys/futex_command.h"

static u64 wait_go_on(struct thread *t);

/* If a signal ends the wait, it goes on by restart_syscall(2), with the same deadline. */
static long wait_until(u64 address, bool shared, u32 expected, u64 deadline, u32 bitset)
{
	long result = futex_wait(address, shared, expected, deadline, bitset);

	if (likely(result != -EINTR))
		return result;
	if (deadline == WAIT_FOREVER)
		return -ERESTARTSYS;

	struct thread *t = current_thread();

	t->restart.fn = wait_go_on;
	t->restart.arg[0] = address;
	t->restart.arg[1] = (u64)shared << 32 | expected;
	t->restart.arg[2] = deadline;
	t->restart.arg[3] = bitset;
	return -ERESTART_RESTARTBLOCK;
}

static u64 wait_go_on(struct thread *t)
{
	const u64 *arg = t->restart.arg;

	return (u64)wait_until(arg[0], arg[1] >> 32, (u32)arg[1], arg[2], (u32)arg[3]);
}

int futex_timeout_get(const struct futex_call *c, bool relative, bool realtime, u64 *deadline_ns)
{
	int error;

	*deadline_ns = WAIT_FOREVER;
	if (!c->timeout)
		return 0;
	error = time_get(c->timeout, TIMESPEC, deadline_ns);
	if (error)
		return error;
	if (relative)
		*deadline_ns = deadline_after(*deadline_ns);
	else if (realtime)
		*deadline_ns = deadline_of_realtime(*deadline_ns);
	return 0;
}

static long command_wait(const struct futex_call *c)
{
	bool relative = c->command == FUTEX_WAIT;
	u32 bitset = relative ? FUTEX_BITSET_ANY : c->value3;
	u64 deadline;
	int error = futex_timeout_get(c, relative, c->realtime, &deadline);

	return error ?: wait_until(c->address, c->shared, c->value, deadline, bitset);
}

/* The number of waiters to move stands in the place of the timeout. */
static long command_requeue(const struct futex_call *c)
{
	u32 requeue = (u32)c->timeout;

	if ((s32)c->value < 0 || (s32)requeue < 0)
		return -EINVAL;
	return futex_requeue(c->address, c->address2, c->shared, c->value, requeue,
			     c->command == FUTEX_CMP_REQUEUE, c->value3);
}

static long command_of_extension(const struct futex_call *c)
{
	linker_set_for_each(
	    entry, futex_commands) if (entry->command == c->command &&
				       (!c->realtime || entry->takes_realtime)) return entry->fn(c);
	return -ENOSYS;
}

/* Out of line: the calls of locks need no such frame. */
static __noinline long command(u64 address, u64 operation, u64 value, u64 timeout, u64 address2,
			       u64 value3)
{
	struct futex_call c = {
	    .address = address,
	    .address2 = address2,
	    .timeout = timeout,
	    .command = (u32)operation & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME),
	    .value = (u32)value,
	    .value3 = (u32)value3,
	    .shared = !(operation & FUTEX_PRIVATE_FLAG),
	    .realtime = operation & FUTEX_CLOCK_REALTIME,
	};

	if (c.command == FUTEX_WAIT_BITSET)
		return command_wait(&c);
	if (c.realtime)
		return command_of_extension(&c);
	switch (c.command) {
	case FUTEX_WAIT:
		return command_wait(&c);
	case FUTEX_WAKE:
		return futex_wake(address, c.shared, c.value, FUTEX_BITSET_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(address, c.shared, c.value, c.value3);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return command_requeue(&c);
	}
	return command_of_extension(&c);
}

SYSCALL6(futex, address, operation, value, timeout, address2, value3)
{
	/* What locks do when they are contended. */
	if (operation == (FUTEX_WAKE | FUTEX_PRIVATE_FLAG))
		return futex_wake(address, false, (u32)value, FUTEX_BITSET_ANY);
	if (operation == (FUTEX_WAIT | FUTEX_PRIVATE_FLAG) && !timeout)
		return wait_until(address, false, (u32)value, WAIT_FOREVER, FUTEX_BITSET_ANY);
	return command(address, operation, value, timeout, address2, value3);
}
