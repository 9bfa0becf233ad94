/* SPDX-License-Identifier: MIT
 *
 * Timers that repeat, and the interval timer of a process (setitimer(2), ITIMER_REAL).
 */
#include "kernel/task/itimer.h"

#include "arch/x86_64/pc/clock.h"
#include "kernel/task/process.h"
#include "kernel/task/signal.h"

/* The shortest time between two runs of the timer's function.  Without it a program could choose so
 * short an interval that the CPU does nothing except run that function. */
#define PERIOD_MIN_NS (100 * NSEC_PER_USEC)

u32 repeating_timer_expire(struct repeating_timer *t)
{
	u64 now = clock_now_ns(), passed = 1;

	if (!t->expires_ns || t->expires_ns > now)
		return 0;
	if (t->interval_ns) {
		passed += (now - t->expires_ns) / t->interval_ns;
		t->expires_ns += passed * t->interval_ns;
		timer_start(&t->timer, MAX(t->expires_ns, now + PERIOD_MIN_NS));
	} else {
		t->expires_ns = 0;
	}
	return (u32)MIN(passed, (u64)INT32_MAX);
}

struct timer_setting repeating_timer_read(const struct repeating_timer *t)
{
	u64 now = clock_now_ns(), left = 0;

	if (t->expires_ns) /* 0 would mean: not armed */
		left = t->expires_ns > now ? t->expires_ns - now : 1;
	return (struct timer_setting){left, t->interval_ns};
}

void repeating_timer_set(struct repeating_timer *t, u64 expires_ns, u64 interval_ns)
{
	/* The timer's function may run just now: repeating_timer_expire() then finds nothing due. */
	(void)timer_cancel(&t->timer);
	t->expires_ns = expires_ns;
	t->interval_ns = interval_ns;
	if (expires_ns)
		timer_start(&t->timer, expires_ns);
}

/* --- ITIMER_REAL ------------------------------------------------------------------------------ */

static void itimer_fired(struct timer *timer)
{
	struct process *p = container_of(timer, struct process, itimer_real.timer);
	u64 flags = spin_lock_irq(&p->limits.lock);
	u32 times = repeating_timer_expire(&p->itimer_real);

	spin_unlock_irq(&p->limits.lock, flags);
	if (times)
		(void)signal_send_process(p, SIGALRM, NULL);
}

struct timer_setting itimer_exchange(const struct timer_setting *setting)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->limits.lock);
	struct timer_setting old = repeating_timer_read(&p->itimer_real);

	if (setting)
		repeating_timer_set(&p->itimer_real,
				    setting->value_ns ? clock_now_ns() + setting->value_ns : 0,
				    setting->value_ns ? setting->interval_ns : 0);
	spin_unlock_irq(&p->limits.lock, flags);
	return old;
}

void itimer_process_init(struct process *p)
{
	timer_init(&p->itimer_real.timer, itimer_fired);
}

void itimer_process_release(struct process *p)
{
	u64 flags = spin_lock_irq(&p->limits.lock);

	p->itimer_real.expires_ns = 0; /* if the timer's function runs now, it does not restart it */
	spin_unlock_irq(&p->limits.lock, flags);
	timer_cancel_sync(&p->itimer_real.timer);
}
