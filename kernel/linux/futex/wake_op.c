/* SPDX-License-Identifier: MIT
 *
 * FUTEX_WAKE_OP: change a second word, wake waiters of the first, and wake those of the second if
 * its former value says so.
 */
#include "kernel/ipc/futex.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/futex/cmpxchg_user.h"
#include "kernel/sys/futex_command.h"
#include "kernel/task/thread.h"
#include "kernel/vm/usercopy.h"

#define FUTEX_WAKE_OP 5
#define OPERATIONS    5 /* set, add, or, and-not, exclusive or */
#define COMPARISONS   6 /* ==, !=, <, <=, >, >= */

static u32 operate(u32 operation, u32 old, u32 argument)
{
	const u32 results[OPERATIONS] = {argument, old + argument, old | argument, old & ~argument,
					 old ^ argument};

	return results[operation];
}

static bool compare(u32 comparison, s32 old, s32 argument)
{
	const bool results[COMPARISONS] = {old == argument, old != argument,
					   old<argument, old <= argument, old> argument,
					   old >= argument};

	return results[comparison];
}

/* value3: 4 bits of the operation (bit 3: the argument is a bit number), 4 of the comparison, and
 * the arguments of both, 12 bits with sign each.  The word is changed before waiters are looked
 * for, so one that has seen the old value is found. */
static long command_wake_op(const struct futex_call *c)
{
	u32 operation = c->value3 >> 28 & 7, comparison = c->value3 >> 24 & 15;
	u32 argument = (u32)((s32)(c->value3 << 8) >> 20), *word = (u32 *)c->address2, seen, old;
	long woken, more;
	int fault;

	if (c->value3 >> 31)
		argument = 1U << (argument & 31);
	if (operation >= OPERATIONS)
		return -ENOSYS;
	if ((c->address | c->address2) & 3)
		return -EINVAL;
	do {
		if (get_user_u32(&old, word))
			return -EFAULT;
		seen = old;
		fault = cmpxchg_user_u32_nofault(word, &seen, operate(operation, old, argument));
		if (fault && fault_in_user(c->address2, true))
			return -EFAULT;
		if (thread_interrupted(WAIT_KILLABLE))
			return -EINTR;
	} while (fault || seen != old);
	if (comparison >= COMPARISONS)
		return -ENOSYS;
	woken = futex_wake(c->address, c->shared, c->value, FUTEX_BITSET_ANY);
	if (woken < 0 || !compare(comparison, (s32)old, (s32)(c->value3 << 20) >> 20))
		return woken;
	more = futex_wake(c->address2, c->shared, (u32)c->timeout, FUTEX_BITSET_ANY);
	return more < 0 ? more : woken + more;
}

static const struct futex_command LINKER_SET_ENTRY(futex_commands, struct futex_command) wake_op = {
    FUTEX_WAKE_OP, false, command_wake_op};
