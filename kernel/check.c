/* SPDX-License-Identifier: MIT
 *
 * What start-up takes for granted, and cannot go on without.  What a processor must have in order
 * to run the kernel at all is checked before (kernel/dev/refuse_32.c), its local APIC in apic.c.
 */
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/power.h"
#include "boot/boot_info.h"
#include "kernel/main.h"
#include "kernel/mem/early.h"
#include "kernel/task/timer.h"

#define TIMER_PATIENCE_NS (5 * NSEC_PER_SEC)

u64 memory_mib(void)
{
	u64 bytes = 0;

	for (u32 i = 0; i < boot_info.memory_count; i++)
		if (boot_memory_is_ram(&boot_info.memory[i]))
			bytes += boot_info.memory[i].length;
	return bytes >> 20;
}

void memory_check(void)
{
	paddr_t start = virt_to_phys(__kernel_end), end;

	if (!memory_mib())
		cannot_start("the boot loader gave no map of the memory");
	if (!boot_range_next(&start, &end) || start >= EARLY_LIMIT)
		cannot_start("%lu MiB of memory are too few", memory_mib());
}

static void timer_fired(struct timer *t)
{
	t->fn = NULL;
}

void timer_check(void)
{
	static struct timer timer;
	u64 start = clock_now_ns();

	timer_init(&timer, timer_fired);
	timer_start(&timer, start);
	while (READ_ONCE(timer.fn))
		if (clock_now_ns() - start > TIMER_PATIENCE_NS)
			cannot_start("the timer of the local APIC sends no interrupt");
}
