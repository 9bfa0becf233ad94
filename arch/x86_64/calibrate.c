/* SPDX-License-Identifier: MIT
 *
 * Measuring the TSC.  All counters are read at the ends of the same few windows; each gives the
 * median over the windows, and two that agree are believed.  A counter that is not there reads as a
 * constant or as nonsense, and drops out.
 */
#include "arch/x86_64/calibrate.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "kernel/lib/log.h"
#include "kernel/lib/sort.h"
#include "kernel/lib/string.h"

#define WINDOWS		 5
#define WINDOW_US	 10000
#define READS		 5	     /* for one sample: the fastest counts */
#define WAIT_TSC_MAX	 200000000UL /* for one window, where no counter moves */

#define HPET_PERIOD	 0x004 /* femtoseconds, upper half of the capabilities (IA-PC HPET 1.0a) */
#define HPET_CONFIG	 0x010
#define HPET_ENABLE	 1
#define HPET_COUNTER	 0x0f0
#define HPET_PERIOD_MIN	 1000000 /* 1 GHz: faster is damage */
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

/* Channel 2 counts down. */
static u64 pit_read(void)
{
	u32 low;

	outb(PIT_COMMAND, 0x80); /* latch */
	low = inb(PIT_DATA);
	return ~(low | (u32)inb(PIT_DATA) << 8) & 0xffff;
}

/* In the order in which they are believed. */
static struct counter counters[COUNTERS] = {
    [HPET] = {"hpet", hpet_read, 0, 0xffffffff}, /* 64-bit reads are not whole on all chips */
    [PM_TIMER] = {"acpi_pm", pm_timer_read, 0, 0xffffff},
    [PIT] = {"pit", pit_read, 0, 0xffff},
};

static void counters_find(void)
{
	u32 period;

	if (acpi_info.hpet_address)
		hpet = mmio_map(acpi_info.hpet_address, 1024, CACHE_UNCACHED);
	if (hpet) {
		period = hpet[HPET_PERIOD / 4];
		if (period >= HPET_PERIOD_MIN && period <= HPET_PERIOD_MAX) {
			hpet[HPET_CONFIG / 4] |= HPET_ENABLE;
			counters[HPET].hz = FEMTO_PER_SECOND / period;
		}
	}
	if (acpi_info.pm_timer_port) {
		counters[PM_TIMER].hz = PM_TIMER_HZ;
		if (acpi_info.pm_timer_32bit)
			counters[PM_TIMER].mask = 0xffffffff;
	}
	/* Gate on, speaker off; channel 2 from 65535 down, both bytes, mode 2: again and again. */
	outb(PIT_GATE, (u8)((inb(PIT_GATE) & ~2) | 1));
	outb(PIT_COMMAND, 0xb4);
	outb(PIT_DATA, 0xff);
	outb(PIT_DATA, 0xff);
	counters[PIT].hz = PIT_HZ;
}

struct sample {
	u64 tsc, value;
};

/* An interrupt of the firmware, or the host's scheduler, can come between the two reads: the
 * attempt that took least is the best. */
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

static void samples_take(struct sample s[COUNTERS])
{
	for (u32 i = 0; i < COUNTERS; i++)
		if (counters[i].hz)
			s[i] = sample_take(&counters[i]);
}

/* Until one of the counters says that the window is over. */
static void window_wait(const struct sample start[COUNTERS])
{
	u64 tsc = rdtsc();

	while (rdtsc() - tsc < WAIT_TSC_MAX) {
		for (u32 i = 0; i < COUNTERS; i++) {
			const struct counter *c = &counters[i];

			if (c->hz &&
			    ((c->read() - start[i].value) & c->mask) >= c->hz * WINDOW_US / 1000000)
				return;
		}
		cpu_relax();
	}
}

/* The TSC's frequency by one counter over one window; 0: it did not move. */
static u64 window_hz(const struct counter *c, struct sample start, struct sample end)
{
	u64 ticks = (end.value - start.value) & c->mask, tsc = end.tsc - start.tsc;

	/* Within 64 bits: a window has little more than WAIT_TSC_MAX ticks, and hz is at most
	 * 2^30. */
	return ticks ? tsc * c->hz / ticks : 0;
}

/* Within one part in `parts`? */
static bool close(u64 a, u64 b, u64 parts)
{
	return MAX(a, b) - MIN(a, b) <= MAX(a, b) / parts;
}

struct calibration tsc_calibrate(void)
{
	u64 hz[COUNTERS][WINDOWS];
	struct calibration cal = {0};

	counters_find();
	for (u32 w = 0; w < WINDOWS; w++) {
		struct sample start[COUNTERS], end[COUNTERS];

		samples_take(start);
		window_wait(start);
		samples_take(end);
		for (u32 i = 0; i < COUNTERS; i++)
			hz[i][w] = counters[i].hz ? window_hz(&counters[i], start[i], end[i]) : 0;
	}
	for (u32 i = 0; i < COUNTERS; i++) {
		sort_u64(hz[i], WINDOWS);
		/* No TSC is slower than this: the counter is not one. */
		if (hz[i][WINDOWS / 2] < 1000000)
			counters[i].hz = 0;
	}
	for (u32 i = 0; i < COUNTERS && !cal.confirmed_by; i++) {
		if (!counters[i].hz)
			continue;
		for (u32 j = i + 1; j < COUNTERS && !cal.confirmed_by; j++)
			if (counters[j].hz && close(hz[i][WINDOWS / 2], hz[j][WINDOWS / 2], 200))
				cal.confirmed_by = counters[j].name;
		if (!cal.hz || cal.confirmed_by) {
			cal.hz = hz[i][WINDOWS / 2];
			cal.by = counters[i].name;
			cal.even = close(hz[i][0], hz[i][WINDOWS - 1], 100);
		}
	}
	return cal;
}

const struct counter *counter_find(const char *name)
{
	for (u32 i = 0; i < PIT; i++) /* the PIT's wraps are too short for a clock */
		if (counters[i].hz && !strcmp(counters[i].name, name))
			return &counters[i];
	return NULL;
}
