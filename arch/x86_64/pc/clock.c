/* SPDX-License-Identifier: MIT
 *
 * Setting up the clock: the frequency of the TSC, whether it is reliable, and the time of day.
 */
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/pc/apic.h"
#include "arch/x86_64/pc/calibrate.h"
#include "arch/x86_64/pc/clock.h"
#include "boot/boot_info.h"
#include "boot/cmdline.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"

static u64 tsc_hz;
static u64 realtime_offset;

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

void clock_init(void)
{
	struct calibration cal = calibrate();
	const struct counter *c;
	char name[16];
	bool even;

	tsc_hz = cal.tsc_hz;
	clock_tsc_set(boot_info.entry_tsc, tsc_hz);
	if (!cal.by)
		log_error("clock: no counter to measure the TSC by: assuming %lu Hz, "
			  "so times are wrong",
			  tsc_hz);
	else
		log_info("clock: TSC %lu.%06lu MHz by %s", tsc_hz / 1000000, tsc_hz % 1000000,
			 cal.by);
	if (tsc_known.hz && cal.by != tsc_known.by && !tsc_known.rough)
		log_warn("clock: %s says %lu kHz, which %s does not confirm", tsc_known.by,
			 tsc_known.hz / 1000, cal.by);
	apic_timer_init(cal.timer_hz, tsc_hz);
	/* Without the invariant flag, a TSC of real hardware may change its speed or stop; that of
	 * an emulator still counts evenly.  clocksource=tsc forces the TSC, any other value forces
	 * another counter. */
	even = cpu_features.invariant_tsc || cpu_features.hypervisor ||
	       (cal.even && !tsc_known.uneven);
	if (cmdline_get("clocksource", name, sizeof(name)))
		even = !strcmp(name, "tsc");
	c = even ? NULL : counter_find();
	if (c)
		clock_source_set(c);
}
