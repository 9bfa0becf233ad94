/* SPDX-License-Identifier: MIT
 *
 * Mistakes for the checks of undefined behaviour (make SANITIZE=1), each of which ends the machine:
 * undefined_test=NAME.  tests/system/test_sanitizers.py looks whether the report names the kind,
 * the function and the line, which has the comment "here".
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/pc/stop.h"
#include "kernel/lib/init.h"
#include "kernel/lib/string.h"
#include "kernel/log/log.h"
#include "kernel/sync/spinlock.h"
#include "tests/kernel/kmistakes.h"

/* The compiler does not know what these hold. */
static volatile u32 number_64 = 64, number_1 = 1;
static volatile s32 most = INT32_MAX;
static u64 *volatile nothing;
static u32 five[5];
static volatile u64 seen;

static __noinline void shift(void)
{
	seen = number_1 << number_64; /* here */
}

static void add(void)
{
	seen = (u64)(most + (s32)number_1); /* here */
}

static void index(void)
{
	seen = five[number_64]; /* here */
}

static void null(void)
{
	seen = *nothing; /* here */
}

static void locked(void)
{
	static struct spinlock lock = SPINLOCK_INIT(NULL);
	u64 flags = spin_lock_irq(&lock);

	seen = five[number_64]; /* here */
	spin_unlock_irq(&lock, flags);
}

static __noinline void at_boot(void)
{
	seen = five[number_64]; /* here */
}

static bool in_report;

static void again(void)
{
	in_report = true;
	shift();
}

static void note(void)
{
	if (in_report)
		seen = five[number_64]; /* here */
}

/* Each line of the log asks for the time, so nothing about this mistake can be logged. */
static u64 clock(void)
{
	return five[number_64]; /* here */
}

static void in_the_log(void)
{
	log_set_clock(clock);
	log_info("never printed");
}

static const struct mistake mistakes[] = {
    {"shift", shift},	{"add", add},	  {"index", index},	     {"null", null},
    {"locked", locked}, {"again", again}, {"in_the_log", in_the_log}};

static void make_mistake(void)
{
	make_mistake_of("undefined_test", mistakes, ARRAY_SIZE(mistakes));
}

static void make_mistake_early(void)
{
	static const struct mistake early = {"at_boot", at_boot};

	make_mistake_of("undefined_test", &early, 1);
}

BOOT_CALL(99, make_mistake_early);
INIT_CALL(99, make_mistake);
PANIC_NOTE(10, note);
