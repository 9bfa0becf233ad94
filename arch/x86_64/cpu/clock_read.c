/* SPDX-License-Identifier: MIT
 *
 * Reading the clock.  Time is base + ticks * mult >> 32 in fixed point; normally ticks are the
 * TSC's, and a read is rdtsc, one multiplication and a shift, without a lock or a shared write.
 */
#include "arch/x86_64/cpu/clock_read.h"

#include "arch/x86_64/cpu/cpu.h"
#include "kernel/log/log.h"

#define MAX_WRAP_FRACTION 4

u64 clock_tsc_start __hot_data, clock_tsc_mult __hot_data;

const struct counter *clock_source __hot_data;
static u64 source_mult, source_base_ns;
static u64 source_ticks; /* extended over its wraps */

static u64 scale(u64 ticks, u64 mult)
{
	return (u64)((unsigned __int128)ticks * mult >> CLOCK_SHIFT);
}

static u64 mult_of(u64 hz)
{
	return (NSEC_PER_SEC << CLOCK_SHIFT) / hz;
}

static u64 tsc_now_ns(void)
{
	return scale(rdtsc_ordered() - clock_tsc_start, clock_tsc_mult);
}

/* Extend a counter of 24 or 32 bits to 64 bits: a reader that finds the counter ahead of
 * source_ticks advances source_ticks.  There is a reader in every wrap of the counter: with such a
 * counter the APIC timer stays armed (timer.c), it interrupts at least every 2 s (apic.c), and the
 * shortest counter wraps after 4.7 s.  If another CPU has advanced source_ticks past our reading,
 * the reading seems to be almost a whole wrap ahead; it is then ignored. */
static u64 __noinline source_now_ns(void)
{
	const struct counter *c = __atomic_load_n(&clock_source, __ATOMIC_ACQUIRE);
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

__hot u64 clock_now_ns(void)
{
	return likely(!READ_ONCE(clock_source)) ? tsc_now_ns() : source_now_ns();
}

void clock_tsc_set(u64 start, u64 hz)
{
	clock_tsc_start = start;
	clock_tsc_mult = mult_of(hz);
}

void clock_source_set(const struct counter *c)
{
	source_ticks = c->read();
	source_mult = mult_of(c->hz);
	source_base_ns = tsc_now_ns() - scale(source_ticks, source_mult);
	__atomic_store_n(&clock_source, c, __ATOMIC_RELEASE);
	log_info("clock: source is %s, %lu Hz", c->name, c->hz);
}

void clock_delay_us(u32 us)
{
	u64 end = clock_now_ns() + us * NSEC_PER_USEC;

	while (clock_now_ns() < end)
		cpu_relax();
}
