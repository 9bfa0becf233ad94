/* SPDX-License-Identifier: MIT
 *
 * RLIMIT_CPU: SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one.
 *
 * The timer interrupt looks at the limit of the process that it finds running.  The process's time
 * is a sum over its threads, so it is not made at each interrupt, but only when so much time has
 * passed that all CPUs together could have reached the limit.
 */
#include "kernel/linux/limits/cpu_limit.h"

#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/linux/limits.h"
#include "kernel/sys/calls.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

/* Before this time of the clock the process cannot have reached its limit. */
static DEFINE_PER_PROCESS(u64, cpu_limit_check_ns);

void cpu_limit_changed(struct process *p)
{
	WRITE_ONCE(*per_process(p, cpu_limit_check_ns), 0);
}

static u64 seconds_to_ns(u64 seconds)
{
	return seconds < UINT64_MAX / NSEC_PER_SEC ? seconds * NSEC_PER_SEC : UINT64_MAX;
}

/* The signal that is due after `used` ns, or 0.  At the soft limit that moves on by a second, as
 * on Linux. */
static int signal_due(struct process *p, u64 used)
{
	u64 flags = spin_lock_irq(&p->limits.lock), limit;
	struct rlimit *r = &p->limits.value[RLIMIT_CPU];
	int signal = 0;

	if (used >= seconds_to_ns(r->maximum)) {
		signal = SIGKILL;
	} else if (used >= seconds_to_ns(r->current)) {
		signal = SIGXCPU;
		r->current++;
	}
	limit = seconds_to_ns(MIN(r->current, r->maximum));
	WRITE_ONCE(*per_process(p, cpu_limit_check_ns),
		   clock_now_ns() + (limit - MIN(used, limit)) / cpu_count);
	spin_unlock_irq(&p->limits.lock, flags);
	return signal;
}

static void sample(struct thread *t)
{
	struct process *p = t->process;
	int signal;

	/* Kernel threads run before their process has limits. */
	if (!t->is_user || process_limit(p, RLIMIT_CPU) == RLIM_INFINITY ||
	    clock_now_ns() < READ_ONCE(*per_process(p, cpu_limit_check_ns)))
		return;
	signal = signal_due(p, cpu_clock_ns(&(struct cpu_clock){.process = p}));
	if (signal)
		(void)signal_send_process(p, signal, NULL);
}

ON_EVENT(sample, sample);
