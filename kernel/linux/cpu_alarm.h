/* SPDX-License-Identifier: MIT
 *
 * Alarms on the clocks that count CPU time: of a thread, or of a process (clock_gettime(2),
 * CLOCK_PROCESS_CPUTIME_ID).  For timers, interval timers, sleeps and RLIMIT_CPU.
 */
#pragma once

#include "kernel/sys/calls.h"
#include "kernel/task/timer.h"

struct cpu_alarm {
	struct timer timer;
	struct cpu_clock clock; /* the owner of the alarm keeps it valid */
	u64 expires_ns;		/* on the clock; 0: not armed */
	u64 seen_ns;		/* the clock when it was looked at last */
	u64 pause_ns;		/* the time to the next look, at least */
	void (*fn)(struct cpu_alarm *alarm);
};

/* `fn` runs in interrupt context, as that of a timer does, when the clock has reached expires_ns.
 * It calls cpu_alarm_set_at() if the alarm is to go on. */
void cpu_alarm_init(struct cpu_alarm *alarm, const struct cpu_clock *clock,
		    void (*fn)(struct cpu_alarm *alarm));

/* Arm the alarm for `expires_ns` of its clock, or disarm it (0); `now_ns` is what cpu_clock_ns() has
 * just returned, which takes locks.  The caller serializes calls by a lock that `fn` takes, too.  An
 * alarm that has just expired may still run: `fn` tests expires_ns under that lock. */
void cpu_alarm_set_at(struct cpu_alarm *alarm, u64 expires_ns, u64 now_ns);

/* Disarm the alarm, and wait until its function is not running.  As timer_cancel_sync(). */
void cpu_alarm_cancel_sync(struct cpu_alarm *alarm);

/* Sleep until the clock has reached `ns`.  0 or -EINTR.  Sleeps. */
int cpu_clock_sleep_until(const struct cpu_clock *clock, u64 ns);
