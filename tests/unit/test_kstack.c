/* host-sources: kernel/task/kstack.c kernel/mem/page.c kernel/mem/early.c kernel/lib/string.c
 * kernel/lib/format.c tests/unit/machine/machine.c tests/unit/machine/panic.c */
/* host-flags: -include tests/unit/rename.h -iquote tests/unit/machine -DHEDDLE_DEBUG=1 */
/* SPDX-License-Identifier: MIT
 *
 * Kernel stacks: none overlap, unmapped ones are flushed before their frames or addresses are used
 * again (the stand-in checks), all frames come back.
 */
#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/sync/spinlock.h"
#include "kernel/task/kstack.h"
#include "kernel/watch/stack_guard.h"
#include "tests/unit/host.h"
#include "tests/unit/machine/machine.h"

char boot_stack_guard[PAGE_SIZE]; /* of boot.S */

#define HELD	    200
#define STACK_PAGES (KSTACK_SIZE / PAGE_SIZE)

static u64 stack_frames(void)
{
	struct page_stats s;

	page_stats_read(&s);
	return s.used[PAGE_KSTACK];
}

static void random_stacks(void)
{
	static u8 *held[HELD];
	bool ok = true;

	for (int i = 0; i < 20000; i++) {
		u64 slot = host_random() % HELD;
		u8 *stack = held[slot];

		if (stack) {
			ok = ok && stack[0] == (u8)slot && stack[KSTACK_SIZE - 1] == (u8)slot;
			host_irqs = host_random() % 2; /* as the scheduler calls it */
			kstack_free(stack);
			host_irqs = true;
			held[slot] = NULL;
		} else {
			stack = held[slot] = kstack_alloc();
			ok = ok && stack && !stack_guard_has((u64)stack) &&
			     stack_guard_has((u64)stack - 1) &&
			     !stack_guard_has((u64)stack + KSTACK_SIZE - 1) &&
			     stack_guard_has((u64)stack + KSTACK_SIZE);
			if (stack)
				memset(stack, (int)slot, KSTACK_SIZE);
		}
		if (i % 5000 == 0)
			page_drain_all();
	}
	CHECK(ok);
	for (int i = 0; i < HELD; i++)
		if (held[i])
			kstack_free(held[i]);
	CHECK(stack_frames() > 0);
	page_drain_all();
	CHECK_EQ(stack_frames(), 0);
}

static void freed_are_kept_until_asked(void)
{
	u8 *stacks[HELD];

	for (int i = 0; i < HELD; i++)
		stacks[i] = kstack_alloc();
	for (int i = 0; i < HELD; i++)
		kstack_free(stacks[i]);
	CHECK_EQ(stack_frames(), HELD * STACK_PAGES);
	CHECK_EQ(kstacks_kept, HELD);
	kstack_free(kstack_alloc());
	CHECK_EQ(kstacks_kept, HELD);
	CHECK_EQ(stack_frames(), HELD * STACK_PAGES);
	page_drain_all();
	CHECK_EQ(stack_frames(), 0);
	CHECK_EQ(kstacks_kept, 0);
}

static void failures_leak_nothing(void)
{
	void *stack;

	for (u64 n = 1; n <= 1 + STACK_PAGES; n++) {
		alloc_fail_nth(n);
		CHECK(!kstack_alloc());
		CHECK_EQ(stack_frames(), 0);
	}
	alloc_fail_nth(2 + STACK_PAGES);
	stack = kstack_alloc();
	CHECK(stack);
	alloc_fail_nth(0);
	kstack_free(stack);
}

/* More stacks than slots: an error, and the frames are free again. */
static void slots_run_out(void)
{
	void *first = NULL, *stack;
	u64 n = 0;

	for (; (stack = kstack_alloc()); n++) {
		*(void **)stack = first;
		first = stack;
	}
	CHECK(n >= 64 && n % 64 == 0);
	CHECK_EQ(stack_frames(), n * STACK_PAGES);
	for (; first; first = stack) {
		stack = *(void **)first;
		kstack_free(first);
	}
	page_drain_all();
	CHECK_EQ(stack_frames(), 0);
	CHECK_EQ(host_stale, 0);
}

int main(void)
{
	host_machine_init();
	page_init();
	kstack_init();
	RUN(random_stacks);
	RUN(freed_are_kept_until_asked);
	RUN(failures_leak_nothing);
	RUN(slots_run_out);
	return host_done();
}
