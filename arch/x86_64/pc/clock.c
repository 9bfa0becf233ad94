/* SPDX-License-Identifier: MIT
 *
 * The clock.  Time is base + ticks * mult >> 32 in fixed point; normally ticks are the TSC's, and a
 * read is rdtsc, one multiplication and a shift, without a lock or a shared write.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/pc/calibrate.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "boot/boot_info.h"
#include "kernel/lib/cmdline.h"
#include "kernel/lib/log.h"
#include "kernel/lib/string.h"

#define MULT_SHIFT	  32
#define SYNC_ROUNDS	  64 /* of each CPU, in clock_check_cpus() */
#define MAX_WRAP_FRACTION 4
#define TSC_HZ_GUESS	  2000000000

static u64 tsc_mult __hot_data, tsc_start __hot_data;
static u64 tsc_hz;
static u64 realtime_offset;

/* Another source than the TSC; NULL: the TSC. */
static const struct counter *source __hot_data;
static u64 source_mult, source_base_ns;
static u64 source_ticks; /* extended over its wraps */

static u64 scale(u64 ticks, u64 mult)
{
	return (u64)((unsigned __int128)ticks * mult >> MULT_SHIFT);
}

static u64 mult_of(u64 hz)
{
	return (NSEC_PER_SEC << MULT_SHIFT) / hz;
}

static u64 tsc_now_ns(void)
{
	return scale(rdtsc_ordered() - tsc_start, tsc_mult);
}

/* Extend the short counter: whoever sees it further on moves the common count.  Somebody looks
 * often enough: an armed timer comes every two seconds at least (apic.c), that of the load average
 * is always armed, and the shortest counter wraps after 4.7 s.  A reading that is older than the
 * common count looks like one almost a whole wrap ahead, and is passed over. */
static u64 __noinline source_now_ns(void)
{
	const struct counter *c = __atomic_load_n(&source, __ATOMIC_ACQUIRE);
	u64 old = __atomic_load_n(&source_ticks, __ATOMIC_ACQUIRE), new;

	do {
		u64 ahead = (c->read() - old) & c->mask;

		if (ahead > c->mask - c->mask / MAX_WRAP_FRACTION)
			ahead = 0;
		new = old + ahead;
	} while (!__atomic_compare_exchange_n(&source_ticks, &old, new, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return source_base_ns + scale(new, source_mult);
}

u64 clock_now_ns(void)
{
	return likely(!READ_ONCE(source)) ? tsc_now_ns() : source_now_ns();
}

/* From now on time comes from `c`, going on where the TSC left off. */
static void source_set(const struct counter *c)
{
	source_ticks = c->read();
	source_mult = mult_of(c->hz);
	source_base_ns = tsc_now_ns() - scale(source_ticks, source_mult);
	__atomic_store_n(&source, c, __ATOMIC_RELEASE);
	log_info("clock: source is %s, %lu Hz", c->name, c->hz);
}

u64 clock_tsc_hz(void)
{
	return tsc_hz;
}

u64 clock_boot_time_ns(void)
{
	return __atomic_load_n(&realtime_offset, __ATOMIC_RELAXED);
}

void clock_set_realtime(u64 realtime_ns)
{
	__atomic_store_n(&realtime_offset, realtime_ns - clock_now_ns(), __ATOMIC_RELAXED);
}

u64 clock_realtime_ns(void)
{
	return clock_boot_time_ns() + clock_now_ns();
}

void clock_delay_us(u32 us)
{
	u64 end = clock_now_ns() + us * NSEC_PER_USEC;

	while (clock_now_ns() < end)
		cpu_relax();
}

void clock_init(void)
{
	struct calibration cal = tsc_calibrate();
	const struct counter *c;
	char name[16];
	bool even;

	tsc_start = boot_info.entry_tsc;
	tsc_mult = mult_of(cal.hz ?: TSC_HZ_GUESS);
	tsc_hz = cal.hz ?: TSC_HZ_GUESS;
	if (!cal.hz)
		log_error("clock: nothing to measure the TSC by: taken for %u Hz", TSC_HZ_GUESS);
	else
		log_info("clock: TSC %lu.%06lu MHz by %s", tsc_hz / 1000000, tsc_hz % 1000000,
			 cal.by);
	/* A TSC that changes its speed or stops shows on bare machines only: an emulator that lacks
	 * the invariant flag still counts evenly.  clocksource=tsc forces it, another name another
	 * one. */
	even = cpu_features.invariant_tsc || cpu_features.hypervisor || cal.even;
	if (cmdline_get("clocksource", name, sizeof(name)))
		even = !strcmp(name, "tsc");
	c = even ? NULL : counter_find();
	if (c)
		source_set(c);
	realtime_offset = rtc_read_seconds() * NSEC_PER_SEC;
	if (realtime_offset)
		realtime_offset -= clock_now_ns();
}

/* ---- Are all TSCs the same? ------------------------------------------------------------------ */

struct sync {
	u32 lock;
	u64 last;  /* the latest TSC that any CPU read under the lock */
	u64 worst; /* by how much one read less */
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

void clock_check_cpus(void)
{
	static struct sync sync;
	struct cpumask others = cpus_online;
	const struct counter *c;

	cpumask_clear(&others, this_cpu_id());
	if (source || cpumask_empty(&others))
		return;
	sync_read(&sync);
	smp_call(&others, sync_run, &sync);
	sync_read(&sync);
	if (!sync.worst)
		return;
	c = counter_find();
	log_warn("clock: TSCs differ by %lu ticks between processors%s", sync.worst,
		 c ? "" : ", and there is no other clock");
	if (c)
		source_set(c);
}
