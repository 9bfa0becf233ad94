/* SPDX-License-Identifier: MIT
 *
 * prctl(), by which a process changes itself.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/prctl_option.h"
#include "kernel/linux/process/subreaper.h"
#include "kernel/sys/calls.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

#define PR_SET_PDEATHSIG       1
#define PR_GET_PDEATHSIG       2
#define PR_GET_TIMING	       13
#define PR_SET_TIMING	       14
#define PR_SET_NAME	       15
#define PR_GET_NAME	       16
#define PR_GET_TSC	       25
#define PR_SET_TSC	       26
#define PR_SET_TIMERSLACK      29
#define PR_GET_TIMERSLACK      30
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37
#define PR_GET_TID_ADDRESS     40
#define PR_SET_THP_DISABLE     41
#define PR_GET_THP_DISABLE     42

#define NAME_SIZE	       16 /* of prctl()'s thread names, with the NUL */
#define SLACK_DEFAULT_NS       50000
#define TSC_ENABLED	       1

/* What is stored and returned, and changes nothing else: timers have no slack, and no page is made
 * huge by itself. */
struct slack {
	u64 default_ns; /* what PR_SET_TIMERSLACK with 0 sets; 0: SLACK_DEFAULT_NS */
	u64 ns;		/* 0: SLACK_DEFAULT_NS */
};

/* Of the process: all its threads have the same values, so that a new thread can copy them from its
 * maker's leader, and the thread that survives an exec has them. */
struct attributes {
	bool no_huge_pages;
};

static DEFINE_PER_THREAD(struct slack, slack);
static DEFINE_PER_THREAD(struct attributes, attributes);

static void inherit(struct thread *t)
{
	u64 ns = READ_ONCE(per_thread(current_thread(), slack)->ns);

	per_thread(t, slack)->default_ns = per_thread(t, slack)->ns = ns;
	*per_thread(t, attributes) = *per_thread(current_process()->leader, attributes);
}

static void attributes_set(struct process *p, bool no_huge_pages)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct thread *t;

	list_for_each (t, &p->threads, process_link)
		per_thread(t, attributes)->no_huge_pages = no_huge_pages;
	spin_unlock_irq(&process_lock, flags);
}

static void new_program(struct process *p)
{
	attributes_set(p, per_thread(p->leader, attributes)->no_huge_pages);
}

ON_EVENT(clone, inherit);
ON_EVENT(exec, new_program);

/* --- Names ------------------------------------------------------------------------------------ */

static long set_name(u64 user)
{
	char name[NAME_SIZE];
	/* A longer name is cut: the first NAME_SIZE bytes are copied, and none of them is a NUL. */
	ssize_t n = copy_string_from_user(name, (const char *)user, NAME_SIZE);

	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[NAME_SIZE - 1] = 0;
	thread_set_name(current_thread(), name);
	return 0;
}

static long get_name(u64 user)
{
	char name[NAME_SIZE] = "";

	strscpy(name, current_thread()->name, sizeof(name));
	return copy_to_user((void *)user, name, sizeof(name));
}

/* --- prctl ------------------------------------------------------------------------------------ */

/* Options of the calling thread.  -ENOSYS: another option. */
static long thread_option(u32 option, u64 argument)
{
	struct thread *t = current_thread();

	switch (option) {
	case PR_SET_NAME:
		return set_name(argument);
	case PR_GET_NAME:
		return get_name(argument);
	case PR_GET_TID_ADDRESS:
		return put_user_u64((u64 *)argument, t->clear_tid_address);
	case PR_SET_TIMERSLACK:
		WRITE_ONCE(per_thread(t, slack)->ns,
			   (s64)argument > 0 ? argument : per_thread(t, slack)->default_ns);
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)(per_thread(t, slack)->ns ?: SLACK_DEFAULT_NS);
	case PR_GET_TIMING: /* statistical: the only one on Linux, too */
		return 0;
	case PR_SET_TIMING:
		return argument ? -EINVAL : 0;
	case PR_GET_TSC:
		return put_user_u32((u32 *)argument, TSC_ENABLED);
	case PR_SET_TSC:
		return argument == TSC_ENABLED ? 0 : -EINVAL;
	}
	return -ENOSYS;
}

/* Options of the process.  -ENOSYS: another option. */
static long process_option(u32 option, u64 argument, bool more)
{
	struct process *p = current_process();
	struct attributes *a = per_thread(p->leader, attributes);

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (argument > SIGNAL_COUNT)
			return -EINVAL;
		WRITE_ONCE(p->signals.parent_death, (int)argument);
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user_u32((u32 *)argument, (u32)READ_ONCE(p->signals.parent_death));
	case PR_SET_CHILD_SUBREAPER:
		WRITE_ONCE(*subreaper_of(p), argument != 0);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32((u32 *)argument, READ_ONCE(*subreaper_of(p)));
	case PR_SET_THP_DISABLE:
		if (more)
			return -EINVAL;
		attributes_set(p, argument != 0);
		return 0;
	case PR_GET_THP_DISABLE:
		return more || argument ? -EINVAL : a->no_huge_pages;
	}
	return -ENOSYS;
}

SYSCALL5(prctl, option, argument, b, c, d)
{
	long result = thread_option((u32)option, argument);

	if (result == -ENOSYS)
		result = process_option((u32)option, argument, b || c || d);
	if (result != -ENOSYS)
		return result;
	linker_set_for_each(entry, prctl_options)
		if (entry->option == (u32)option)
			return entry->fn(argument, b, c, d);
	return -EINVAL;
}

