/* SPDX-License-Identifier: MIT
 *
 * The three interval timers of a process, setitimer(2), and alarm(2).  They send SIGALRM, SIGVTALRM
 * and SIGPROF when they expire, and continue over exec.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/cpu_alarm.h"
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

ON_EVENT(exit, release);

/* --- On CPU time ------------------------------------------------------------------------------ */

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

/* Under limits.lock. */
struct cpu_interval {
	struct cpu_alarm alarm;
	u64 interval_ns;
	bool used; /* the alarm is initialized */
};

static DEFINE_PER_PROCESS(struct cpu_interval[2], cpu_intervals);

static void cpu_interval_fired(struct cpu_alarm *alarm)
{
	struct process *p = alarm->clock.process;
	struct cpu_interval *c = container_of(alarm, struct cpu_interval, alarm);
	u64 now = cpu_clock_ns(&alarm->clock), flags = spin_lock_irq(&p->limits.lock);
	u64 interval = c->interval_ns, expires = alarm->expires_ns;
	bool due = expires && expires <= now;

	/* One signal for all intervals that have passed. */
	if (due)
		cpu_alarm_set_at(alarm, interval ? now + interval - (now - expires) % interval : 0,
				 now);
	spin_unlock_irq(&p->limits.lock, flags);
	if (due)
		(void)signal_send_process(p, alarm->clock.user_only ? SIGVTALRM : SIGPROF, NULL);
}

static struct timer_setting exchange_cpu(u64 which, const struct timer_setting *setting)
{
	struct process *p = current_process();
	struct cpu_interval *c = *per_process(p, cpu_intervals) + (which == ITIMER_PROF);
	const struct cpu_clock clock = {.process = p, .user_only = which == ITIMER_VIRTUAL};
	u64 now = cpu_clock_ns(&clock), flags = spin_lock_irq(&p->limits.lock);
	u64 expires = c->alarm.expires_ns;
	struct timer_setting old = {.interval_ns = c->interval_ns};

	if (expires)
		old.value_ns = expires > now ? expires - now : 1;
	if (setting && !c->used) {
		c->used = true;
		cpu_alarm_init(&c->alarm, &clock, cpu_interval_fired);
	}
	if (setting) {
		c->interval_ns = setting->value_ns ? setting->interval_ns : 0;
		cpu_alarm_set_at(&c->alarm, setting->value_ns ? now + setting->value_ns : 0, now);
	}
	spin_unlock_irq(&p->limits.lock, flags);
	return old;
}

static void release_cpu(struct process *p)
{
	struct cpu_interval *c = *per_process(p, cpu_intervals);

	for (u32 i = 0; i < 2; i++)
		if (c[i].used)
			cpu_alarm_cancel_sync(&c[i].alarm);
}

ON_EVENT(exit, release_cpu);

/* --- System calls ----------------------------------------------------------------------------- */

static struct timer_setting exchange_any(u64 which, const struct timer_setting *setting)
{
	return which == ITIMER_REAL ? exchange(setting) : exchange_cpu(which, setting);
}

SYSCALL2(getitimer, which, user)
{
	struct timer_setting setting;

	if ((u32)which > ITIMER_PROF)
		return -EINVAL;
	setting = exchange_any((u32)which, NULL);
	return timer_setting_put(user, TIMEVAL, &setting);
}

SYSCALL3(setitimer, which, user, old_user)
{
	struct timer_setting setting = {0};
	int error = user ? timer_setting_get(user, TIMEVAL, &setting) : 0;

	if (error)
		return error;
	if ((u32)which > ITIMER_PROF)
		return -EINVAL;
	setting = exchange_any((u32)which, &setting);
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
