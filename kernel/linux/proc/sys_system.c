/* SPDX-License-Identifier: MIT
 *
 * What the machine and the kernel say of themselves: sysinfo(2), and the log by syslog(2).
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/errno.h"
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
	SYSLOG_CONSOLE_OFF = 6,
	SYSLOG_CONSOLE_ON = 7,
	SYSLOG_SIZE_BUFFER = 10,
};

static long log_to_user(u64 user, u64 size)
{
	size_t n = MIN(size, (u64)LOG_SIZE);
	char *text;
	long result;

	if (!user || (s32)size < 0)
		return -EINVAL;
	text = n ? kmalloc(n) : NULL;
	if (!text)
		return n ? -ENOMEM : 0;
	n = log_read(text, n);
	result = copy_to_user((void *)user, text, n) ? -EFAULT : (long)n;
	kfree(text);
	return result;
}

/* syslog(2): each call reads the whole log; nothing is removed from it. */
SYSCALL3(syslog, type, user, size)
{
	switch ((u32)type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
		return 0;
	case SYSLOG_READ_ALL:
		return log_to_user(user, (u32)size);
	case SYSLOG_SIZE_BUFFER:
		return LOG_SIZE;
	}
	return -EINVAL;
}
