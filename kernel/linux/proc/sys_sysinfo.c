/* SPDX-License-Identifier: MIT
 *
 * sysinfo(2): the use of the machine in one structure.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/linux/proc/load.h"
#include "kernel/mem/page.h"
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
	info.processes = (u16)MIN(threads_total(), 0xffffU);
	return copy_to_user((void *)user, &info, sizeof(info));
}
