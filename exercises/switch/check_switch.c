/* SPDX-License-Identifier: MIT
 *
 * Self-tests of the exercise "switch": registers, stacks, new threads, page-table roots.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "arch/x86_64/mmu/paging.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/tlb.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/task/sched.h"
#include "kernel/task/thread.h"
#include "tests/kernel/ktest.h"

#define THREADS 6U
#define YIELDS	200U

/* u64 switch_probe(u64 value): fills the six registers that a function must preserve, switches to a
 * stack of the test's, where switch_other() spoils them and switches back, and returns a bit for
 * each that has changed: rbx, rbp, r12 to r15; and 64 if the result is not what the other side
 * gave. */
u64 switch_probe(u64 value);
void switch_other(void);
u64 switch_main_sp, switch_other_sp;
__asm__(".text\n"
	"switch_probe:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"
	"lea 1(%rdi), %rbx; lea 2(%rdi), %rbp; lea 3(%rdi), %r12\n"
	"lea 4(%rdi), %r13; lea 5(%rdi), %r14; lea 6(%rdi), %r15\n"
	"lea switch_main_sp(%rip), %rdi; mov switch_other_sp(%rip), %rsi; mov $0x1111, %edx\n"
	"call context_switch\n"
	"pop %rdi; mov %rax, %rcx; xor %eax, %eax\n"
	"sub %rdi, %rbx; sub %rdi, %rbp; sub %rdi, %r12\n"
	"sub %rdi, %r13; sub %rdi, %r14; sub %rdi, %r15\n"
	"cmp $1, %rbx; je 1f; or $1, %eax\n1: cmp $2, %rbp; je 1f; or $2, %eax\n"
	"1: cmp $3, %r12; je 1f; or $4, %eax\n1: cmp $4, %r13; je 1f; or $8, %eax\n"
	"1: cmp $5, %r14; je 1f; or $16, %eax\n1: cmp $6, %r15; je 1f; or $32, %eax\n"
	"1: cmp $0x2222, %rcx; je 1f; or $64, %eax\n1:\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
	"switch_other:\n"
	"mov $-1, %rbx; mov %rbx, %r12; mov %rbx, %r13; mov %rbx, %r14; mov %rbx, %r15\n"
	"xor %ebp, %ebp\n"
	"lea switch_other_sp(%rip), %rdi; mov switch_main_sp(%rip), %rsi; mov $0x2222, %edx\n"
	"call context_switch\n"
	"jmp switch_other\n");

static struct {
	u32 left, begun;
	u64 wrong_stacks;
} shared;

static void run_all(void (*fn)(void *))
{
	memset(&shared, 0, sizeof(shared));
	shared.left = THREADS;
	for (u32 i = 0; i < THREADS; i++)
		KEXPECT(!IS_ERR(kthread_create("switch", fn, (void *)(u64)(i + 1))));
	for (u32 ms = 0; ms < 10000 && __atomic_load_n(&shared.left, __ATOMIC_ACQUIRE); ms++)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	KEXPECT_EQ(shared.left, 0);
}

static void begin(void *arg)
{
	/* The argument has arrived, and the stack is the thread's own. */
	if ((u64)arg >= 1 && (u64)arg <= THREADS)
		__atomic_fetch_add(&shared.begun, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&shared.left, 1, __ATOMIC_RELEASE);
}

KTEST(switch_new_threads_begin)
{
	run_all(begin);
	KEXPECT_EQ(shared.begun, THREADS);
}

/* context_switch() by itself: rbx, rbp and r12 to r15 have their values again. */
KTEST(switch_keeps_registers)
{
	static u64 stack[512] __aligned(16);
	u64 *sp = &stack[ARRAY_SIZE(stack) - 2], changed = 0, flags = irq_save();

	memset(stack, 0, sizeof(stack));
	*--sp = (u64)switch_other; /* the return address, above six registers */
	switch_other_sp = (u64)(sp - 6);
	for (u64 i = 0; i < 8; i++)
		changed |= switch_probe(0x123456789 * (i + 1));
	irq_restore(flags);
	KEXPECT_EQ(changed, 0);
}

/* A chain of calls with a yield at its end: all frames are there afterwards. */
static __noinline u64 descend(u64 depth, u64 value)
{
	volatile u64 mine = value + depth;

	if (depth)
		value = descend(depth - 1, value);
	else
		sched_yield();
	return mine == value + depth ? value : 0;
}

static void dive(void *arg)
{
	for (u32 i = 0; i < YIELDS; i++)
		if (descend(i % 16, (u64)arg << 32 | i << 8) != ((u64)arg << 32 | i << 8))
			__atomic_fetch_add(&shared.wrong_stacks, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&shared.left, 1, __ATOMIC_RELEASE);
}

KTEST(switch_keeps_stacks)
{
	run_all(dive);
	KEXPECT_EQ(shared.wrong_stacks, 0);
}

/* Two roots; `before` is what to go back to.  Interrupts are off in between. */
static struct pmap first, second;
static struct pmap *before;
static u64 saved_flags;

static void roots_begin(void)
{
	KEXPECT_EQ(pmap_init(&first), 0);
	KEXPECT_EQ(pmap_init(&second), 0);
	preempt_disable();
	saved_flags = irq_save();
	before = this_cpu()->pmap;
}

static void roots_leave(void)
{
	pmap_switch(before);
	/* Also if the function under test does not. */
	write_cr3(before->root);
	cpumask_clear(&first.active, this_cpu_id());
	cpumask_clear(&second.active, this_cpu_id());
	irq_restore(saved_flags);
	preempt_enable();
}

static void roots_free(void)
{
	pmap_destroy(&first);
	pmap_destroy(&second);
}

/* Another root is loaded, and each CPU is noted in the root that it uses. */
KTEST(switch_loads_other_root)
{
	bool changed[2], active[4];
	u64 loaded[2];

	roots_begin();
	changed[0] = pmap_switch(&first);
	loaded[0] = read_cr3();
	active[0] = cpumask_test(&first.active, this_cpu_id());
	changed[1] = pmap_switch(&second);
	loaded[1] = read_cr3();
	active[1] = cpumask_test(&second.active, this_cpu_id());
	active[2] = cpumask_test(&first.active, this_cpu_id());
	roots_leave();
	KEXPECT(changed[0] && changed[1]);
	KEXPECT_EQ(loaded[0], first.root);
	KEXPECT_EQ(loaded[1], second.root);
	KEXPECT(active[0] && active[1]);
	KEXPECT(!active[2]);
	roots_free();
}

/* The number that the page at `address` begins with; 0 after a fault. */
static u64 look(u64 address)
{
	struct thread *t = current_thread();
	u64 value = 0;

	t->pagefaults_disabled++;
	if (usercopy_raw_in(&value, (const void *)address, sizeof(value)))
		value = 0;
	t->pagefaults_disabled--;
	return value;
}

/* The same root, or none (a kernel thread), leaves CR3 alone: the TLB still has what it had.  An
 * entry that is changed without a flush shows it: if CR3 was written, the new frame is read. */
KTEST(switch_keeps_equal_root)
{
	struct page *a = page_alloc_zeroed(PAGE_ANON), *b = page_alloc_zeroed(PAGE_ANON);
	u64 address = 0x7000000, flags = PTE_PRESENT | PTE_USER | PTE_WRITE, *slot, seen[3], cr3;
	bool changed[2];

	*(u64 *)page_to_virt(a) = 1;
	*(u64 *)page_to_virt(b) = 2;
	roots_begin();
	pmap_switch(&first);
	slot = pmap_walk(&first, address, true);
	WRITE_ONCE(*slot, page_to_phys(a) | flags);
	seen[0] = look(address);
	WRITE_ONCE(*slot, page_to_phys(b) | flags);
	changed[0] = pmap_switch(&first);
	seen[1] = look(address);
	changed[1] = pmap_switch(NULL);
	cr3 = read_cr3();
	seen[2] = look(address);
	WRITE_ONCE(*slot, 0);
	roots_leave();
	KEXPECT(!changed[0] && !changed[1]);
	KEXPECT_EQ(cr3, first.root);
	KEXPECT_EQ(seen[0], 1);
	KEXPECT_EQ(seen[1], 1);
	KEXPECT_EQ(seen[2], 1);
	roots_free();
	page_put(a);
	page_put(b);
}
