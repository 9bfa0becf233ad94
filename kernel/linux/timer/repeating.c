/* SPDX-License-Identifier: MIT
 *
 * Timers that repeat.
 */
#include "kernel/linux/timer/repeating.h"

#include "arch/x86_64/pc/clock.h"

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
	/* If the timer's function runs just now, repeating_timer_expire() will find nothing due. */
	(void)timer_cancel(&t->timer);
	t->expires_ns = expires_ns;
	t->interval_ns = interval_ns;
	if (expires_ns)
		timer_start(&t->timer, expires_ns);
}
