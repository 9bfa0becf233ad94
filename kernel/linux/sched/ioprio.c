/* SPDX-License-Identifier: MIT
 *
 * ioprio_get(2) and ioprio_set(2): priorities of input and output, which are kept and returned.
 * There is no disk.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/sched/named.h"
#include "kernel/linux/sched/policy.h"
#include "kernel/task/process_events.h"

#define CLASS_SHIFT  13
#define CLASS_NONE   0
#define CLASS_RT     1
#define CLASS_BEST   2
#define CLASS_IDLE   3
#define LEVELS	     8
#define BEST_DEFAULT (CLASS_BEST << CLASS_SHIFT | 4) /* what CLASS_NONE means with nice value 0 */

static DEFINE_PER_THREAD(u16, io_priority);

static void inherit(struct thread *t)
{
	*per_thread(t, io_priority) = *per_thread(current_thread(), io_priority);
}

ON_EVENT(clone, inherit);

/* The best one, which is the smallest number.  For groups and users CLASS_NONE counts as what it
 * means. */
static void get_priority(struct thread *t, struct thread_walk *walk)
{
	long priority = READ_ONCE(*per_thread(t, io_priority));

	if (walk->which != PRIO_PROCESS && priority >> CLASS_SHIFT == CLASS_NONE)
		priority = BEST_DEFAULT;
	walk->result = walk->result < 0 ? priority : MIN(walk->result, priority);
}

static void set_priority(struct thread *t, struct thread_walk *walk)
{
	if (!may_reschedule(t)) {
		walk->result = -EPERM;
	} else if (walk->result != -EPERM) {
		WRITE_ONCE(*per_thread(t, io_priority), (u16)walk->value);
		walk->result = 0;
	}
}

static long check(int priority)
{
	int level = priority & ((1 << CLASS_SHIFT) - 1);

	switch (priority >> CLASS_SHIFT) {
	case CLASS_NONE:
		return level ? -EINVAL : 0;
	case CLASS_RT:
		if (!capable(CAP_SYS_NICE) && !capable(CAP_SYS_ADMIN))
			return -EPERM;
		return level >= LEVELS ? -EINVAL : 0;
	case CLASS_BEST:
		return level >= LEVELS ? -EINVAL : 0;
	case CLASS_IDLE:
		return 0;
	}
	return -EINVAL;
}

/* `which` is one more than that of getpriority(). */
SYSCALL2(ioprio_get, which, who)
{
	struct thread_walk walk = {.which = (u32)which - 1, .who = (u32)who, .visit = get_priority};

	return threads_named(&walk);
}

SYSCALL3(ioprio_set, which, who, priority)
{
	struct thread_walk walk = {.which = (u32)which - 1,
				   .who = (u32)who,
				   .value = (int)priority,
				   .visit = set_priority};
	long error = check((int)priority);

	return error ? error : threads_named(&walk);
}
