/* SPDX-License-Identifier: MIT
 *
 * The CMOS clock, from which the kernel reads the time of day (MC146818A data sheet).  Without it,
 * the time of day starts at boot with the beginning of 1970.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "kernel/dev/acpi/fadt.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

enum {
	RTC_SECOND = 0,
	RTC_MINUTE = 2,
	RTC_HOUR = 4,
	RTC_DAY = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_STATUS_A = 10,
	RTC_STATUS_B = 11,
};

#define A_UPDATING 0x80
#define B_24_HOURS 0x02
#define B_BINARY   0x04
#define HOUR_PM	   0x80

struct rtc {
	u8 second, minute, hour, day, month, year, century;
};

static u8 cmos_read(u8 index)
{
	outb(CMOS_INDEX, index);
	return inb(CMOS_DATA);
}

static struct rtc rtc_read(void)
{
	/* An update takes at most 2 ms. */
	for (u32 i = 0; i < 100 && cmos_read(RTC_STATUS_A) & A_UPDATING; i++)
		clock_delay_us(50);
	return (struct rtc){
	    cmos_read(RTC_SECOND),
	    cmos_read(RTC_MINUTE),
	    cmos_read(RTC_HOUR),
	    cmos_read(RTC_DAY),
	    cmos_read(RTC_MONTH),
	    cmos_read(RTC_YEAR),
	    fadt.century ? cmos_read(fadt.century) : 0,
	};
}

static u8 decode(u8 v, u8 status)
{
	return status & B_BINARY ? v : (u8)((v >> 4) * 10 + (v & 15));
}

/* Returns the days since 1970-01-01.  The computation counts years from March, so that the leap day
 * is the last day of a year. */
static u64 days_since_1970(u32 year, u32 month, u32 day)
{
	u32 y = month <= 2 ? year - 1 : year;
	u32 months = (month + 9) % 12;

	return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * months + 2) / 5 + day - 1 - 719468;
}

/* Seconds since 1970; the CMOS clock is taken to be in UTC.  0: there is no clock, or its time is
 * not valid. */
static u64 rtc_read_seconds(void)
{
	struct rtc t, again;
	u8 status;
	u32 hour, year, tries = 0;

	if (!fadt_has_rtc())
		return 0;
	do { /* two equal readings: no update changed the registers between them */
		t = rtc_read();
		again = rtc_read();
	} while (memcmp(&t, &again, sizeof(t)) && ++tries < 10);

	status = cmos_read(RTC_STATUS_B);
	hour = decode(t.hour & ~HOUR_PM, status);
	if (!(status & B_24_HOURS))
		hour = hour % 12 + (t.hour & HOUR_PM ? 12 : 0);
	t.second = decode(t.second, status);
	t.minute = decode(t.minute, status);
	t.day = decode(t.day, status);
	t.month = decode(t.month, status);
	t.century = decode(t.century, status);
	t.year = decode(t.year, status);
	if (t.second > 59 || t.minute > 59 || hour > 23 || t.day < 1 || t.day > 31 || t.month < 1 ||
	    t.month > 12 || t.year > 99)
		return 0;
	year = (t.century >= 20 && t.century < 30 ? t.century * 100u : 2000) + t.year;
	return days_since_1970(year, t.month, t.day) * 86400 + hour * 3600 + t.minute * 60 +
	       t.second;
}

static void rtc_init(void)
{
	u64 seconds = rtc_read_seconds();

	if (seconds)
		clock_set_realtime(seconds * NSEC_PER_SEC);
}

EARLY_INIT_CALL(05, rtc_init);
