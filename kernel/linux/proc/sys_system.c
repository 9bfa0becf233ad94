/* SPDX-License-Identifier: MIT
 *
 * What the machine and the kernel say of themselves: sysinfo(2), and the log by syslog(2).
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/proc/load.h"
#include "kernel/log/log.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

struct sysinfo { /* of the ABI, 112 bytes */
	u64 uptime, loads[3];
	u64 total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
	u16 processes, pad;
	u64 total_high, free_high;
	u32 unit, pad2;
};

SYSCALL1(sysinfo, user)
{
	struct sysinfo info = {.uptime = clock_now_ns() / NSEC_PER_SEC, .unit = 1};
	struct page_stats pages;

	sched_load_average(info.loads);
	page_stats_read(&pages);
	info.total_ram = pages.total * PAGE_SIZE;
	info.free_ram = pages.free * PAGE_SIZE;
	info.shared_ram = (pages.used[PAGE_OBJECT] + pages.used[PAGE_FILE]) * PAGE_SIZE;
	info.processes = (u16)MIN(READ_ONCE(threads_linked), 0xffffU);
	return copy_to_user((void *)user, &info, sizeof(info));
}

/* --- syslog ----------------------------------------------------------------------------------- */

enum {
	SYSLOG_CLOSE = 0,
	SYSLOG_OPEN = 1,
	SYSLOG_READ_ALL = 3,
	SYSLOG_READ_CLEAR = 4,
	SYSLOG_CLEAR = 5,
	SYSLOG_CONSOLE_OFF = 6,
	SYSLOG_CONSOLE_ON = 7,
	SYSLOG_CONSOLE_LEVEL = 8,
	SYSLOG_SIZE_BUFFER = 10,
};

static u64 cleared; /* number of the first record that is shown; accessed atomically */
static u32 level_before_off;

/* The last records that fit in `size` bytes, each line behind its level, "<6>".  Returns their
 * length, and in *next the number of the record behind the last. */
static size_t log_text(char *text, size_t size, u64 *next)
{
	u64 n = __atomic_load_n(&cleared, __ATOMIC_SEQ_CST);
	struct log_record r;
	size_t total = 0, done = 0;

	for (*next = n; log_next(next, &r);)
		total += r.length + 3U * r.begins;
	while (n < *next && log_next(&n, &r)) {
		size_t length = r.length + 3U * r.begins;
		bool fits = total <= size && length <= size - done;

		total -= MIN(total, length);
		if (!fits)
			continue;
		if (r.begins)
			memcpy(text + done, (char[]){'<', (char)('0' + r.level), '>'}, 3);
		memcpy(text + done + 3U * r.begins, r.text, r.length);
		done += length;
	}
	return done;
}

static long log_to_user(u64 user, u64 size, bool clear)
{
	size_t n = MIN(size, (u64)LOG_SIZE);
	char *text;
	long result;
	u64 next;

	if (!user || (s32)size < 0)
		return -EINVAL;
	text = n ? kmalloc(n) : NULL;
	if (!text)
		return n ? -ENOMEM : 0;
	n = log_text(text, n, &next);
	result = copy_to_user((void *)user, text, n) ? -EFAULT : (long)n;
	kfree(text);
	if (clear && result >= 0)
		__atomic_store_n(&cleared, next, __ATOMIC_SEQ_CST);
	return result;
}

static long log_clear(void)
{
	u64 n = __atomic_load_n(&cleared, __ATOMIC_SEQ_CST);
	struct log_record r;

	while (log_next(&n, &r))
		;
	__atomic_store_n(&cleared, n, __ATOMIC_SEQ_CST);
	return 0;
}

static long set_level(u32 level)
{
	if (level < 1 || level > LOG_LEVELS)
		return -EINVAL;
	WRITE_ONCE(log_console_level, level);
	return 0;
}

/* syslog(2).  What is cleared is not shown again; it stays in the ring. */
SYSCALL3(syslog, type, user, size)
{
	if ((u32)type >= SYSLOG_READ_CLEAR && (u32)type <= SYSLOG_CONSOLE_LEVEL &&
	    !capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch ((u32)type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_CONSOLE_OFF: /* errors of level 0 alone, which do not exist here */
		if (!level_before_off)
			level_before_off = READ_ONCE(log_console_level);
		return set_level(1);
	case SYSLOG_CONSOLE_ON:
		if (level_before_off)
			set_level(level_before_off);
		level_before_off = 0;
		return 0;
	case SYSLOG_CONSOLE_LEVEL:
		level_before_off = 0;
		return set_level((u32)size);
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		return log_to_user(user, (u32)size, (u32)type == SYSLOG_READ_CLEAR);
	case SYSLOG_CLEAR:
		return log_clear();
	case SYSLOG_SIZE_BUFFER:
		return LOG_SIZE;
	}
	return -EINVAL;
}
