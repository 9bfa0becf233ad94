/* SPDX-License-Identifier: MIT
 *
 * Checking that the TSCs of all processors agree.  They read it in turn, under a lock: none may
 * read a value less than another read before.  If one does, time could run backwards, and the clock
 * uses the HPET or the PM timer from then on.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/calibrate.h"
#include "arch/x86_64/pc/smp.h"
#include "kernel/lib/init.h"
#include "kernel/log/log.h"

#define SYNC_ROUNDS 64 /* of each CPU */

struct sync {
	u32 lock;
	u64 last;  /* the latest TSC that any CPU read under the lock */
	u64 worst; /* the largest difference by which a later read was less */
};

static void sync_read(struct sync *s)
{
	u64 now;

	while (__atomic_exchange_n(&s->lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	now = rdtsc_ordered();
	if (now < s->last)
		s->worst = MAX(s->worst, s->last - now);
	else
		s->last = now;
	__atomic_store_n(&s->lock, 0, __ATOMIC_RELEASE);
}

static void sync_run(void *arg)
{
	for (u32 i = 0; i < SYNC_ROUNDS; i++)
		sync_read(arg);
}

static void clock_check(void)
{
	static struct sync sync;
	struct cpumask others = cpus_online;
	const struct counter *c;

	preempt_disable(); /* for smp_call() */
	cpumask_clear(&others, this_cpu_id());
	if (!clock_source && !cpumask_empty(&others)) {
		sync_read(&sync);
		smp_call(&others, sync_run, &sync);
		sync_read(&sync);
	}
	preempt_enable();
	if (!sync.worst)
		return;
	c = counter_find();
	log_warn("clock: TSCs differ by %lu ticks between processors%s", sync.worst,
		 c ? "" : ", and there is no other clock");
	if (c)
		clock_source_set(c);
}

INIT_CALL(05, clock_check);
