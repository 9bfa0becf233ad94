/* SPDX-License-Identifier: MIT
 *
 * Alarms on CPU clocks.  Such a clock can never run faster than all CPUs together.  So an alarm
 * looks at its clock when the clock could have reached the time at the earliest, and again, until
 * it has.  While the process sleeps the looks become rarer.
 */
#include "kernel/linux/cpu_alarm.h"

#include "kernel/lib/errno.h"

#define PAUSE_MIN (1 * NSEC_PER_MSEC)  /* between looks while the clock runs */
#define PAUSE_MAX (16 * NSEC_PER_MSEC) /* while it stands still: how late an alarm may be */

/* How long the clock needs at least for `left_ns`.  The process may make more threads before that,
 * up to one for each CPU: then the alarm is late by PAUSE_MAX at most. */
static u64 shortest_time(const struct cpu_clock *clock, u64 left_ns)
{
	u32 threads = READ_ONCE(clock->process->thread_count);

	if (clock->thread)
		return left_ns;
	return MIN(left_ns / MAX(MIN(threads, cpu_count), 1U), MAX(left_ns / cpu_count, PAUSE_MAX));
}

/* The time to the next look.  `*pause` is the least of it, which grows while the clock stands
 * still. */
static u64 next_look(const struct cpu_clock *clock, u64 left_ns, bool runs, u64 *pause)
{
	*pause = runs ? PAUSE_MIN : MIN(*pause * 2, PAUSE_MAX);
	return deadline_after(MAX(shortest_time(clock, left_ns), *pause));
}

static void look(struct timer *timer)
{
	struct cpu_alarm *alarm = container_of(timer, struct cpu_alarm, timer);
	u64 expires = READ_ONCE(alarm->expires_ns), now;
	bool runs;

	if (!expires)
		return;
	now = cpu_clock_ns(&alarm->clock);
	runs = now != alarm->seen_ns;
	alarm->seen_ns = now;
	if (now >= expires)
		alarm->fn(alarm);
	else
		timer_start(timer, next_look(&alarm->clock, expires - now, runs, &alarm->pause_ns));
}

void cpu_alarm_init(struct cpu_alarm *alarm, const struct cpu_clock *clock,
		    void (*fn)(struct cpu_alarm *alarm))
{
	timer_init(&alarm->timer, look);
	alarm->clock = *clock;
	alarm->expires_ns = 0;
	alarm->fn = fn;
}

void cpu_alarm_set_at(struct cpu_alarm *alarm, u64 expires_ns, u64 now_ns)
{
	u64 left = expires_ns > now_ns ? expires_ns - now_ns : 0;

	(void)timer_cancel(&alarm->timer);
	WRITE_ONCE(alarm->expires_ns, expires_ns);
	alarm->seen_ns = now_ns;
	if (expires_ns)
		timer_start(&alarm->timer, next_look(&alarm->clock, left, true, &alarm->pause_ns));
}

void cpu_alarm_cancel_sync(struct cpu_alarm *alarm)
{
	WRITE_ONCE(alarm->expires_ns, 0);
	timer_cancel_sync(&alarm->timer);
}

int cpu_clock_sleep_until(const struct cpu_clock *clock, u64 ns)
{
	u64 pause = PAUSE_MIN, seen = 0;

	for (;;) {
		u64 now = cpu_clock_ns(clock);

		if (now >= ns)
			return 0;
		if (sleep_until(next_look(clock, ns - now, now != seen, &pause), WAIT_SIGNALS) ==
		    -EINTR)
			return -EINTR;
		seen = now;
	}
}
