/* SPDX-License-Identifier: MIT
 *
 * The settings of timers as programs give and get them.
 */
#include "kernel/linux/timer_setting.h"

#include "kernel/sys/calls.h"

int timer_setting_get(u64 user, u64 unit, struct timer_setting *s)
{
	int error = time_get(user, unit, &s->interval_ns);

	if (!error)
		error = time_get(user + sizeof(struct timespec), unit, &s->value_ns);
	s->value_ns = MIN(s->value_ns, TIMER_SETTING_MAX);
	s->interval_ns = MIN(s->interval_ns, TIMER_SETTING_MAX);
	return error;
}

int timer_setting_put(u64 user, u64 unit, const struct timer_setting *s)
{
	/* A timer with less than one unit left has not expired, so never report 0. */
	u64 value = s->value_ns ? MAX(s->value_ns, unit) : 0;
	u64 t[4] = {s->interval_ns / NSEC_PER_SEC, s->interval_ns % NSEC_PER_SEC / unit,
		    value / NSEC_PER_SEC, value % NSEC_PER_SEC / unit};

	return copy_to_user((void *)user, t, sizeof(t));
}
