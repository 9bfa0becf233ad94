/* SPDX-License-Identifier: MIT
 *
 * The interval timer of a process: setitimer(2) with ITIMER_REAL, and alarm(2).  It sends SIGALRM
 * when it expires, and continues over exec.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/timer/repeating.h"
#include "kernel/sys/calls.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

/* Under limits.lock. */
struct interval_timer {
	struct repeating_timer repeating;
	struct process *process; /* NULL: it has never been set */
};

static DEFINE_PER_PROCESS(struct interval_timer, interval_timer);

static void interval_timer_fired(struct timer *timer)
{
	struct interval_timer *t = container_of(timer, struct interval_timer, repeating.timer);
	u64 flags = spin_lock_irq(&t->process->limits.lock);
	u32 times = repeating_timer_expire(&t->repeating);

	spin_unlock_irq(&t->process->limits.lock, flags);
	if (times)
		(void)signal_send_process(t->process, SIGALRM, NULL);
}

/* Return the present setting, and replace it by *setting if that is not NULL. */
static struct timer_setting exchange(const struct timer_setting *setting)
{
	struct process *p = current_process();
	struct interval_timer *t = per_process(p, interval_timer);
	u64 flags = spin_lock_irq(&p->limits.lock);
	struct timer_setting old = repeating_timer_read(&t->repeating);

	if (setting && !t->process) {
		t->process = p;
		timer_init(&t->repeating.timer, interval_timer_fired);
	}
	if (setting)
		repeating_timer_set(&t->repeating,
				    setting->value_ns ? clock_now_ns() + setting->value_ns : 0,
				    setting->value_ns ? setting->interval_ns : 0);
	spin_unlock_irq(&p->limits.lock, flags);
	return old;
}

/* The process ends: wait until the timer's function has returned. */
static void release(struct process *p)
{
	struct interval_timer *t = per_process(p, interval_timer);
	u64 flags;

	if (!t->process)
		return;
	flags = spin_lock_irq(&p->limits.lock);
	t->repeating.expires_ns = 0; /* a function that runs now does not start it again */
	spin_unlock_irq(&p->limits.lock, flags);
	timer_cancel_sync(&t->repeating.timer);
}

PROCESS_EVENTS(interval_timer_events) = {.exit = release};

#define ITIMER_REAL 0

SYSCALL2(getitimer, which, user)
{
	struct timer_setting setting;

	if ((int)which != ITIMER_REAL)
		return -EINVAL;
	setting = exchange(NULL);
	return timer_setting_put(user, TIMEVAL, &setting);
}

SYSCALL3(setitimer, which, user, old_user)
{
	struct timer_setting setting = {0};
	int error = user ? timer_setting_get(user, TIMEVAL, &setting) : 0;

	if (error)
		return error;
	if ((int)which != ITIMER_REAL)
		return -EINVAL;
	setting = exchange(&setting);
	return old_user ? timer_setting_put(old_user, TIMEVAL, &setting) : 0;
}

/* alarm(2): the seconds that the old alarm had left, rounded; at least 1 if there was one. */
SYSCALL1(alarm, seconds)
{
	struct timer_setting setting = {(u32)seconds * NSEC_PER_SEC, 0};
	u64 old = exchange(&setting).value_ns;

	if (!old)
		return 0;
	return (long)MAX((old + NSEC_PER_SEC / 2) / NSEC_PER_SEC, (u64)1);
}
