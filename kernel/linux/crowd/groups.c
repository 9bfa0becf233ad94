/* SPDX-License-Identifier: MIT
 *
 * Groups of many processes, and all processes (kill(-1)): a signal reaches them a few at a time, in the
 * order of their PIDs.
 *
 * A process that was a member when the call began, and stays one, gets the signal once.  One that
 * is made on the way is the child of a member.  If the signal has reached that, the child does not
 * get it (group_signal.began_ns).  If not, the member cannot fork before it has
 * (crowd_signal_expected()); so a group that forks without end does not grow while it is killed.
 * A member to which the sender may not send it, or only asks whether it may (signal 0), forks freely.
 *
 * One such signal is on its way at a time: fork() has one to look at.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/task/internal.h"

#define BATCH	 12
#define PAUSE_NS 20000

/* A signal that goes to the members of a group, or to all processes except init and the caller. */
struct group_signal {
	pid_t group; /* -1: all */
	int signal;
	const struct siginfo *info; /* NULL: of the kernel */
	const struct thread *from;  /* the sender; NULL: the kernel */
	pid_t next;		    /* members with lower PIDs have been sent it */
	u64 began_ns; /* processes that started later are children of members that had it */
	int result;   /* as of signal_send_group() */
};

/* All under process_lock. */
static struct group_signal *on_way; /* NULL: none */
static struct wait_queue waiting = WAIT_QUEUE_INIT(waiting, "group signal");

/* Interrupt handlers cannot wait: the timer sends their signals.  To which group, by number. */
static void send_delayed(struct timer *t);
static struct timer timer = {.fn = send_delayed, .cpu = TIMER_NOWHERE};
static pid_t delayed_groups[SIGNAL_COUNT + 1];
static struct group_signal delayed; /* the one of them that is on its way */

static bool are_few(pid_t group)
{
	struct process *p = process_from(BY_GROUP, group, 0);
	u32 n = 0;

	for (; p && n <= BATCH; n++)
		p = process_walk(BY_GROUP, p, 1);
	return n <= BATCH;
}

/* Send it to some.  Have all members been sent it now? */
static bool is_sent(struct group_signal *s)
{
	bool to_all = s->group == -1;
	enum process_tree tree = to_all ? BY_PID : BY_GROUP;
	struct process *p = process_from(tree, to_all ? 0 : s->group, s->next);

	for (u32 n = 0; p && n < BATCH; n++, p = process_walk(tree, p, 1)) {
		s->next = p->pid + 1;
		if (p->started_ns <= s->began_ns && !(to_all && p == current_process())) {
			int one = signal_send_member(p, s->signal, s->info);

			if (s->result != 0) /* success if at least one member got it */
				s->result = to_all && one == -EPERM ? 0 : one; /* as on Linux */
		}
	}
	return !p;
}

static void begin(struct group_signal *s)
{
	on_way = s;
	s->began_ns = clock_now_ns();
}

/* The number of a delayed signal, or 0. */
static int first_delayed(void)
{
	int signal = SIGNAL_COUNT;

	while (signal && !delayed_groups[signal])
		signal--;
	return signal;
}

/* One of those that wait goes on.  If it is about to fork, it wakes the next one. */
static void pass_on(void)
{
	on_way = NULL;
	if (first_delayed())
		timer_start(&timer, clock_now_ns());
	wait_wake_one(&waiting);
}

static void send_delayed(struct timer *t)
{
	u64 flags = spin_lock_irq(&process_lock);
	int signal = first_delayed();

	if (!on_way && signal) {
		delayed = (struct group_signal){.group = delayed_groups[signal], .signal = signal};
		delayed_groups[signal] = 0;
		begin(&delayed);
	}
	if (on_way == &delayed && is_sent(&delayed))
		pass_on();
	else if (on_way == &delayed)
		timer_start(t, clock_now_ns() + PAUSE_NS);
	spin_unlock_irq(&process_lock, flags);
}

/* False: another group waits for the same signal, so this one is sent at once. */
static bool delay(pid_t group, int signal)
{
	if (delayed_groups[signal] && delayed_groups[signal] != group)
		return false;
	delayed_groups[signal] = group;
	if (!on_way)
		timer_start(&timer, clock_now_ns());
	return true;
}

bool crowd_signal(pid_t group, int signal, const struct siginfo *info, u64 flags, int *result)
{
	struct group_signal s = {group, signal, info, info ? current_thread() : NULL, .result = -ESRCH};

	if (group == -1)
		s.next = 2; /* after init */
	else if (are_few(group))
		return false;
	if (!(flags & RFLAGS_IF) || preempt_count() > 1) { /* the terminal's: without `info` */
		*result = 0;
		return delay(group, signal);
	}
	while (on_way)
		(void)wait_sleep_irq(&waiting, &process_lock, WAIT_FOREVER, 0);
	begin(&s);
	while (!is_sent(&s))
		process_lock_pause(0);
	pass_on();
	*result = s.result;
	return true;
}

bool crowd_signal_expected(const struct process *p)
{
	struct group_signal *s = on_way;

	return s && s->signal && (s->group == -1 || s->group == p->job.group) && s->next <= p->pid &&
	       (!WITH_RIGHTS || !s->from || rights_signal(s->from, p->leader, s->signal));
}

void crowd_signal_await(const struct process *p)
{
	u64 flags;

	if (!READ_ONCE(on_way))
		return;
	flags = spin_lock_irq(&process_lock);
	if (crowd_signal_expected(p)) {
		while (crowd_signal_expected(p))
			if (wait_sleep_irq(&waiting, &process_lock, WAIT_FOREVER, WAIT_SIGNALS) < 0)
				break;
		wait_wake_one(&waiting);
	}
	spin_unlock_irq(&process_lock, flags);
}
