/* SPDX-License-Identifier: MIT
 *
 * Measuring the TSC and the local APIC timer by the best counter of the machine, in a few short
 * windows.  A counter that does not exist reads as a constant or as nonsense; then the next one is
 * tried.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/calibrate.h"
#include "kernel/lib/sort.h"

#define WINDOWS		 5
#define WINDOW_US	 1000
#define READS		 5	     /* for one sample: the fastest is used */
#define WAIT_TSC_MAX	 20000000UL  /* ticks in one window, if the counter does not move */
#define TSC_HZ_GUESS	 2000000000
#define TSC_HZ_MIN	 1000000 /* if the TSC seems slower, the counter does not work */

#define HPET_PERIOD	 0x004 /* femtoseconds, upper half of the capabilities (IA-PC HPET 1.0a) */
#define HPET_CONFIG	 0x010
#define HPET_ENABLE	 1
#define HPET_COUNTER	 0x0f0
#define HPET_PERIOD_MIN	 1000000 /* 1 GHz: a shorter period is taken as damaged */
#define HPET_PERIOD_MAX	 100000000
#define FEMTO_PER_SECOND 1000000000000000UL

#define PM_TIMER_HZ	 3579545
#define PIT_HZ		 1193182
#define PIT_DATA	 0x42
#define PIT_COMMAND	 0x43
#define PIT_GATE	 0x61

enum { HPET, PM_TIMER, PIT, TSC, COUNTERS };

struct tsc_known tsc_known;
static volatile u32 *hpet;

static u64 hpet_read(void)
{
	return hpet[HPET_COUNTER / 4];
}

static u64 pm_timer_read(void)
{
	return inl((u16)acpi_info.pm_timer_port);
}

/* Channel 2 counts down; the result counts up. */
static u64 pit_read(void)
{
	u32 low;

	outb(PIT_COMMAND, 0x80); /* latch */
	low = inb(PIT_DATA);
	return ~(low | (u32)inb(PIT_DATA) << 8) & 0xffff;
}

static u64 tsc_read(void)
{
	return rdtsc();
}

/* The most trusted counter first.  Without another one, the TSC measures the APIC timer. */
static struct counter counters[COUNTERS] = {
    [HPET] = {"hpet", hpet_read, 0, 0xffffffff}, /* not all chips read 64 bits at once */
    [PM_TIMER] = {"acpi_pm", pm_timer_read, 0, 0xffffff},
    [PIT] = {"pit", pit_read, 0, 0xffff},
    [TSC] = {NULL, tsc_read, TSC_HZ_GUESS, ~0UL},
};

static void hpet_find(void)
{
	u32 period;

	if (acpi_info.hpet_address)
		hpet = mmio_map(acpi_info.hpet_address, 1024, CACHE_UNCACHED);
	if (!hpet)
		return;
	period = hpet[HPET_PERIOD / 4];
	if (period < HPET_PERIOD_MIN || period > HPET_PERIOD_MAX)
		return;
	hpet[HPET_CONFIG / 4] |= HPET_ENABLE;
	counters[HPET].hz = FEMTO_PER_SECOND / period;
}

static void pm_timer_find(void)
{
	if (!acpi_info.pm_timer_port)
		return;
	counters[PM_TIMER].hz = PM_TIMER_HZ;
	if (acpi_info.pm_timer_32bit)
		counters[PM_TIMER].mask = 0xffffffff;
}

/* Enable the gate, switch the speaker off, and let channel 2 count down from 65535 repeatedly (mode
 * 2). */
static void pit_find(void)
{
	outb(PIT_GATE, (u8)((inb(PIT_GATE) & ~2) | 1));
	outb(PIT_COMMAND, 0xb4);
	outb(PIT_DATA, 0xff);
	outb(PIT_DATA, 0xff);
	counters[PIT].hz = PIT_HZ;
}

struct sample {
	u64 value, tsc, timer;
};

/* Read the counter, the TSC and the APIC timer together.  An interrupt of the firmware or the
 * host's scheduler can come between the reads, so the fastest of several attempts is used. */
static struct sample sample_take(const struct counter *c)
{
	struct sample best = {0};
	u64 least = ~0UL;

	for (u32 i = 0; i < READS; i++) {
		u64 before = rdtsc(), timer = apic_timer_ticks(), value = c->read();
		u64 took = rdtsc() - before;

		if (took < least) {
			least = took;
			best = (struct sample){value, before + took / 2, timer};
		}
	}
	return best;
}

/* Wait for one window after `start`.  Returns the ticks of the counter; 0: it does not move. */
static u64 window_wait(const struct counter *c, const struct sample *start, struct sample *end)
{
	u64 ticks;

	do {
		cpu_relax();
		*end = sample_take(c);
		ticks = (end->value - start->value) & c->mask;
		if (ticks >= c->hz * WINDOW_US / 1000000)
			return ticks;
	} while (end->tsc - start->tsc <= WAIT_TSC_MAX);
	return 0;
}

/* Returns whether a measured frequency confirms the one that is known. */
static bool known_agrees(u64 hz)
{
	u64 known = tsc_known.rough ? 0 : tsc_known.hz;

	return hz + known / 100 > known && hz < known + known / 100;
}

/* Measure by this counter.  If it does not exist or does not work, .tsc_hz is below TSC_HZ_MIN.  No
 * product overflows: all windows have less than 2^27 ticks, and no counter has 2^34 Hz. */
static struct calibration measure(const struct counter *c)
{
	struct sample first, last, start;
	u64 hz[WINDOWS], ticks, total = 0;
	struct calibration cal = {.by = c->name, .even = true};

	apic_timer_count_start();
	first = last = sample_take(c);
	for (u32 w = 0; w < WINDOWS && !cal.tsc_hz; w++) {
		start = last;
		ticks = c->hz ? window_wait(c, &start, &last) : 0;
		if (!ticks)
			return (struct calibration){0};
		total += ticks;
		hz[w] = (last.tsc - start.tsc) * c->hz / ticks;
		if (c == &counters[TSC] || (!w && known_agrees(hz[0]))) {
			cal.tsc_hz = counters[TSC].hz;
			cal.by = counters[TSC].name;
		}
	}
	cal.timer_hz = (last.timer - first.timer) * c->hz / total;
	if (cal.tsc_hz)
		return cal;
	/* All windows together are the most precise, unless something came between. */
	sort_u64(hz, WINDOWS);
	cal.even = hz[WINDOWS - 1] - hz[0] <= hz[0] / 100;
	cal.tsc_hz = cal.even ? (last.tsc - first.tsc) * c->hz / total : hz[WINDOWS / 2];
	return cal;
}

struct calibration calibrate(void)
{
	struct calibration cal = {0};

	hpet_find();
	pm_timer_find();
	pit_find();
	if (tsc_known.hz)
		counters[TSC] = (struct counter){tsc_known.by, tsc_read, tsc_known.hz, ~0UL};
	for (u32 i = 0; i < COUNTERS && cal.tsc_hz < TSC_HZ_MIN; i++) {
		cal = measure(&counters[i]);
		if (cal.tsc_hz < TSC_HZ_MIN)
			counters[i].hz = 0;
	}
	return cal;
}

const struct counter *counter_find(void)
{
	for (u32 i = 0; i < PIT; i++) /* the PIT wraps too often for a clock */
		if (counters[i].hz)
			return &counters[i];
	return NULL;
}
