/* SPDX-License-Identifier: MIT
 *
 * The interval timer of a process (setitimer(2), ITIMER_REAL).
 */
#include "kernel/proc/itimer.h"

#include "arch/x86_64/clock.h"
#include "kernel/proc/process.h"
#include "kernel/proc/signal.h"

/* A period as short as the program likes must not keep the CPU in this function. */
#define PERIOD_MIN_NS (100 * NSEC_PER_USEC)
#define TIME_MAX_NS   (1UL << 61) /* 73 years: sums of a few do not overflow */

static void itimer_fired(struct timer *timer)
{
	struct process *p = container_of(timer, struct process, itimer_real);
	u64 now = clock_now_ns(), flags = spin_lock_irq(&p->limits_lock);
	bool due = p->itimer_expires_ns && p->itimer_expires_ns <= now;

	if (due && p->itimer_interval_ns) {
		u64 missed = (now - p->itimer_expires_ns) / p->itimer_interval_ns;

		p->itimer_expires_ns += (missed + 1) * p->itimer_interval_ns;
		timer_start(timer, MAX(p->itimer_expires_ns, now + PERIOD_MIN_NS));
	} else if (due) {
		p->itimer_expires_ns = 0;
	}
	spin_unlock_irq(&p->limits_lock, flags);
	if (due)
		(void)signal_send_process(p, SIGALRM, NULL);
}

static u64 time_left(const struct process *p)
{
	u64 now = clock_now_ns();

	if (!p->itimer_expires_ns)
		return 0;
	return p->itimer_expires_ns > now ? p->itimer_expires_ns - now : 1; /* 0 means: stopped */
}

void itimer_set(u64 value_ns, u64 interval_ns, u64 *old_value, u64 *old_interval)
{
	struct process *p = current_process();
	u64 now = clock_now_ns(), flags = spin_lock_irq(&p->limits_lock);

	value_ns = MIN(value_ns, TIME_MAX_NS);
	interval_ns = MIN(interval_ns, TIME_MAX_NS);
	if (old_value)
		*old_value = time_left(p);
	if (old_interval)
		*old_interval = p->itimer_interval_ns;
	(void)timer_cancel(
	    &p->itimer_real); /* where it fires just now it finds that nothing is due */
	p->itimer_interval_ns = value_ns ? interval_ns : 0;
	p->itimer_expires_ns = value_ns ? now + value_ns : 0;
	if (value_ns)
		timer_start(&p->itimer_real, p->itimer_expires_ns);
	spin_unlock_irq(&p->limits_lock, flags);
}

void itimer_get(u64 *value_ns, u64 *interval_ns)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&p->limits_lock);

	*value_ns = time_left(p);
	*interval_ns = p->itimer_interval_ns;
	spin_unlock_irq(&p->limits_lock, flags);
}

void itimer_process_init(struct process *p)
{
	timer_init(&p->itimer_real, itimer_fired);
}

void itimer_process_release(struct process *p)
{
	u64 flags = spin_lock_irq(&p->limits_lock);

	p->itimer_expires_ns = 0; /* a function that runs now starts nothing again */
	spin_unlock_irq(&p->limits_lock, flags);
	timer_cancel_sync(&p->itimer_real);
}
