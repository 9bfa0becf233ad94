/* SPDX-License-Identifier: MIT
 *
 * getpriority(2) and setpriority(2): the nice values of a thread, of the processes of a group, or
 * of the processes of a user.  Nice values are kept and returned, and the scheduler ignores them.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/limits.h"
#include "kernel/linux/sched/named.h"
#include "kernel/linux/sched/policy.h"

/* getpriority() returns 20 - nice, which is never negative, of the most favoured thread. */
static void get_nice(struct thread *t, struct thread_walk *walk)
{
	walk->result = MAX(walk->result, 20 - READ_ONCE(per_thread(t, sched_attributes)->nice));
}

/* As on Linux, a failure for one thread is the result of the whole call, and the other threads get
 * the new value all the same. */
static void set_nice(struct thread *t, struct thread_walk *walk)
{
	struct sched_attributes *a = per_thread(t, sched_attributes);

	if (!may_reschedule(t)) {
		walk->result = -EPERM;
	} else if (walk->value < READ_ONCE(a->nice) &&
		   (u64)(20 - walk->value) > process_limit(t->process, RLIMIT_NICE) &&
		   !capable(CAP_SYS_NICE)) {
		walk->result = -EACCES;
	} else {
		if (walk->result == -ESRCH)
			walk->result = 0;
		WRITE_ONCE(a->nice, (s8)walk->value);
	}
}

SYSCALL2(getpriority, which, who)
{
	struct thread_walk walk = {.which = (u32)which, .who = (u32)who, .visit = get_nice};

	return threads_named(&walk);
}

SYSCALL3(setpriority, which, who, value)
{
	struct thread_walk walk = {.which = (u32)which,
				   .who = (u32)who,
				   .value = MAX(MIN((s32)value, NICE_MAX), NICE_MIN),
				   .visit = set_nice};

	return threads_named(&walk);
}
