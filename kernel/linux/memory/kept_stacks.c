/* SPDX-License-Identifier: MIT
 *
 * Kernel stacks of ended threads are kept for later ones (kernel/task/kstack.c).  When they are
 * more than a 64th of the memory, the next process that ends gives them back, all by one TLB flush.
 */
#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/init.h"
#include "kernel/mem/page.h"
#include "kernel/task/kstack.h"
#include "kernel/task/process_events.h"

static u64 bound;

static void set_bound(void)
{
	struct page_stats s;

	page_stats_read(&s);
	bound = s.total / 64 / (KSTACK_SIZE / PAGE_SIZE);
}

INIT_CALL(20, set_bound);

static void give_back(struct process *p)
{
	if (unlikely(READ_ONCE(kstacks_kept) > bound))
		kstack_shrink();
}

ON_EVENT(exit, give_back);
