/* SPDX-License-Identifier: MIT
 *
 * Measuring the TSC by the best counter of the machine: the median of a few short windows.  A
 * counter that does not exist reads as a constant or as nonsense; then the next one is tried.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/calibrate.h"
#include "kernel/lib/sort.h"

#define WINDOWS		 5
#define WINDOW_US	 10000
#define READS		 5	     /* for one sample: the fastest is used */
#define WAIT_TSC_MAX	 200000000UL /* ticks in one window, if the counter does not move */

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

enum { HPET, PM_TIMER, PIT, COUNTERS };

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

/* The most trusted counter first. */
static struct counter counters[COUNTERS] = {
    [HPET] = {"hpet", hpet_read, 0, 0xffffffff}, /* not all chips read 64 bits at once */
    [PM_TIMER] = {"acpi_pm", pm_timer_read, 0, 0xffffff},
    [PIT] = {"pit", pit_read, 0, 0xffff},
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
	u64 tsc, value;
};

/* Read TSC and counter together.  An interrupt of the firmware or the host's scheduler can delay
 * the second read, so the fastest of several attempts is used. */
static struct sample sample_take(const struct counter *c)
{
	struct sample best = {0, 0};
	u64 least = ~0UL;

	for (u32 i = 0; i < READS; i++) {
		u64 before = rdtsc(), value = c->read(), took = rdtsc() - before;

		if (took < least) {
			least = took;
			best = (struct sample){before + took / 2, value};
		}
	}
	return best;
}

/* Returns the frequency of the TSC in one window; 0: the counter did not move. */
static u64 window_hz(const struct counter *c)
{
	struct sample start = sample_take(c), end = start;
	u64 ticks = 0;

	while (ticks < c->hz * WINDOW_US / 1000000) {
		if (end.tsc - start.tsc > WAIT_TSC_MAX)
			return 0;
		cpu_relax();
		end = sample_take(c);
		ticks = (end.value - start.value) & c->mask;
	}
	/* No overflow: a window has little more than WAIT_TSC_MAX ticks, and hz is at most 2^30. */
	return (end.tsc - start.tsc) * c->hz / ticks;
}

struct calibration tsc_calibrate(void)
{
	hpet_find();
	pm_timer_find();
	pit_find();
	for (u32 i = 0; i < COUNTERS; i++) {
		struct counter *c = &counters[i];
		u64 hz[WINDOWS] = {0};

		for (u32 w = 0; w < WINDOWS && c->hz && (!w || hz[w - 1]); w++)
			hz[w] = window_hz(c);
		sort_u64(hz, WINDOWS);
		/* No TSC is slower than 1 MHz: if it seems so, the counter does not work. */
		if (hz[0] >= 1000000)
			return (struct calibration){
			    .hz = hz[WINDOWS / 2],
			    .by = c->name,
			    .even = hz[WINDOWS - 1] - hz[0] <= hz[0] / 100,
			};
		c->hz = 0;
	}
	return (struct calibration){0};
}

const struct counter *counter_find(void)
{
	for (u32 i = 0; i < PIT; i++) /* the PIT wraps too often for a clock */
		if (counters[i].hz)
			return &counters[i];
	return NULL;
}
