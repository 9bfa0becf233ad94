/* SPDX-License-Identifier: MIT
 *
 * Checks of the exercise `shootdown`.  A reader is a kernel thread bound to one CPU which loads the
 * root of a page table and reads a user address through it, so that the TLB of its CPU gets the
 * translation.  The test then changes the entry and looks at what the reader still sees.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/smp.h"
#include "arch/x86_64/pc/tlb.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/task/sched.h"
#include "kernel/vm/pages.h"
#include "tests/kernel/kpin.h"
#include "tests/kernel/kspace.h"
#include "tests/kernel/ktest.h"

#define PATIENCE_NS (20 * NSEC_PER_SEC)
#define USER_PAGE   (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

/* True if the condition became true; a failure of the test if it did not within 20 s. */
#define WAIT_FOR(condition)                                                                        \
	({                                                                                         \
		u64 end_ = clock_now_ns() + PATIENCE_NS;                                           \
		while (!(condition) && clock_now_ns() < end_)                                      \
			cpu_relax();                                                               \
		KEXPECT(condition);                                                                \
		(condition);                                                                       \
	})

static void unbind(void)
{
	struct cpumask all;

	memset(&all, 0xff, sizeof(all));
	kpin(&all);
}

/* --- smp_call() ------------------------------------------------------------------------------- */

static u32 calls_of[MAX_CPUS];

static void slow_count(void *us)
{
	clock_delay_us((u64)us);
	__atomic_fetch_add(&calls_of[this_cpu_id()], 1, __ATOMIC_RELEASE);
}

static u32 calls_done(void)
{
	u32 sum = 0;

	for (u32 i = 0; i < cpu_count; i++)
		sum += __atomic_load_n(&calls_of[i], __ATOMIC_ACQUIRE);
	return sum;
}

/* The functions take a while: a caller that does not wait for each of them counts too few. */
KTEST(shootdown_call_waits)
{
	u32 others = cpumask_count(&cpus_online) - 1;

	memset(calls_of, 0, sizeof(calls_of));
	for (u32 i = 1; i <= 5; i++) {
		u32 done;

		preempt_disable();
		smp_call(&cpus_online, slow_count, (void *)300UL);
		done = calls_done();
		preempt_enable();
		KEXPECT_EQ(done, i * others);
		(void)WAIT_FOR(calls_done() == i * others);
	}
}

/* Each other CPU alone: it runs the function once, and no CPU else does. */
KTEST(shootdown_call_only_the_mask)
{
	kpin_to(0);
	for (u32 cpu = 0; cpu < cpu_count; cpu++) {
		struct cpumask mask = {0};

		memset(calls_of, 0, sizeof(calls_of));
		cpumask_set(&mask, cpu);
		preempt_disable();
		smp_call(&mask, slow_count, (void *)0UL);
		preempt_enable();
		clock_delay_us(200);
		for (u32 i = 0; i < cpu_count; i++)
			KEXPECT_EQ(calls_of[i], cpu && i == cpu);
	}
	unbind();
}

static u32 bound, ready, callers;

/* Interrupts stay off, so a call of another CPU is answered only by smp_call() itself. */
static void call_back_and_forth(void *arg)
{
	u32 n = cpumask_count(&cpus_online);
	struct cpumask all;
	u64 flags;

	kpin_to((u32)(u64)arg);
	__atomic_fetch_add(&bound, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&bound, __ATOMIC_SEQ_CST) < n)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	memset(&all, 0xff, sizeof(all));
	flags = irq_save();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < n)
		smp_call_answer();
	preempt_disable();
	for (u32 i = 0; i < 50; i++)
		smp_call(&all, slow_count, (void *)0UL);
	preempt_enable();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < 2 * n) /* some still call this CPU */
		smp_call_answer();
	irq_restore(flags);
	__atomic_fetch_sub(&callers, 1, __ATOMIC_SEQ_CST);
}

/* All CPUs call all others at the same time. */
KTEST(shootdown_callers_answer)
{
	u32 n = cpumask_count(&cpus_online);

	memset(calls_of, 0, sizeof(calls_of));
	bound = ready = 0;
	callers = n;
	for (u32 i = 0; i < n; i++)
		KEXPECT(!IS_ERR(kthread_create("caller", call_back_and_forth, (void *)(u64)i)));
	while (__atomic_load_n(&callers, __ATOMIC_SEQ_CST))
		sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0);
	KEXPECT_EQ(calls_done(), n * (n - 1) * 50);
}

/* --- The reader ------------------------------------------------------------------------------- */

enum command { IDLE, READ, HOLD, STOP };

/* `command` is written by the test, and set to IDLE by the reader when it has done it. */
static struct reader {
	struct pmap *pmap;
	u32 cpu;
	enum command command;
	u32 value;   /* READ: what the address held */
	bool fault;  /* READ: the address is not mapped */
	u64 *slot;   /* HOLD: the entry that the test clears */
	bool held;   /* HOLD: interrupts are off */
	bool over;   /* HOLD: the test's call has returned */
	bool waited; /* HOLD: it had not while this CPU gave no answer */
	bool kept;   /* HOLD: the frame was not free in that time */
	struct page *page;
} readers[MAX_CPUS];

/* With interrupts off this CPU answers no call.  Wait until the entry is clear, and a little
 * longer, which is enough for a caller that does not wait. */
static void hold(struct reader *r)
{
	u64 flags = irq_save(), end = clock_now_ns() + PATIENCE_NS;

	__atomic_store_n(&r->held, true, __ATOMIC_RELEASE);
	while (READ_ONCE(*r->slot) && clock_now_ns() < end)
		cpu_relax();
	end = clock_now_ns() + 3 * NSEC_PER_MSEC;
	r->kept = true;
	while (!READ_ONCE(r->over) && clock_now_ns() < end) {
		r->kept = r->kept && page_refs(r->page) == 1 && r->page->use == PAGE_ANON;
		cpu_relax();
	}
	r->waited = !READ_ONCE(r->over);
	irq_restore(flags);
}

static void root_load(struct pmap *pmap)
{
	u64 flags = irq_save();

	(void)pmap_switch(pmap);
	irq_restore(flags);
}

static void root_leave(void)
{
	root_load(&kernel_pmap);
	root_load(NULL);
}

static void read_address(struct reader *r)
{
	u32 value = 0;

	r->fault = usercopy_raw_in(&value, (void *)BASE, sizeof(value)) != 0;
	r->value = value;
}

static void reader_run(void *arg)
{
	struct reader *r = arg;
	enum command c;

	kpin_to(r->cpu);
	preempt_disable();
	root_load(r->pmap);
	__atomic_store_n(&r->command, IDLE, __ATOMIC_RELEASE);
	while ((c = __atomic_load_n(&r->command, __ATOMIC_ACQUIRE)) != STOP) {
		if (c == READ)
			read_address(r);
		else if (c == HOLD)
			hold(r);
		if (c != IDLE)
			__atomic_store_n(&r->command, IDLE, __ATOMIC_RELEASE);
		cpu_relax();
	}
	root_leave();
	preempt_enable();
	__atomic_store_n(&r->command, IDLE, __ATOMIC_RELEASE);
}

static bool is_idle(struct reader *r)
{
	return __atomic_load_n(&r->command, __ATOMIC_ACQUIRE) == IDLE;
}

static void reader_tell(struct reader *r, enum command c)
{
	__atomic_store_n(&r->command, c, __ATOMIC_RELEASE);
}

static void reader_do(struct reader *r, enum command c)
{
	reader_tell(r, c);
	(void)WAIT_FOR(is_idle(r));
}

/* A reader on this CPU, which must not be the caller's. */
static struct reader *reader_start(u32 cpu, struct pmap *pmap)
{
	struct reader *r = &readers[cpu];

	*r = (struct reader){.pmap = pmap, .cpu = cpu, .command = READ};
	if (IS_ERR(kthread_create("reader", reader_run, r))) {
		KEXPECT(!"kthread_create");
		return NULL;
	}
	return WAIT_FOR(is_idle(r)) ? r : NULL;
}

/* --- tlb_shootdown() -------------------------------------------------------------------------- */

/* A page table with one page at BASE, and a second page to put there. */
struct scene {
	struct pmap pmap;
	u64 *slot;
	struct page *pages[2];
};

static void show_page(struct scene *s, u32 which)
{
	WRITE_ONCE(*s->slot, page_to_phys(s->pages[which]) | USER_PAGE);
}

static bool scene_make(struct scene *s)
{
	KEXPECT_EQ(pmap_init(&s->pmap), 0);
	s->slot = pmap_walk(&s->pmap, BASE, true);
	for (u32 i = 0; i < 2; i++) {
		s->pages[i] = page_alloc_zeroed(PAGE_KERNEL);
		KEXPECT(s->pages[i] && s->slot);
		if (!s->pages[i] || !s->slot)
			return false;
		*(u32 *)page_to_virt(s->pages[i]) = i + 1;
	}
	show_page(s, 0);
	return true;
}

static void scene_end(struct scene *s)
{
	WRITE_ONCE(*s->slot, 0);
	pmap_destroy(&s->pmap);
	page_put(s->pages[0]);
	page_put(s->pages[1]);
}

/* The CPU that calls has the root, too. */
KTEST(shootdown_flush_this_cpu)
{
	static struct scene s;
	struct reader me = {0};

	if (!scene_make(&s))
		return;
	preempt_disable();
	root_load(&s.pmap);
	read_address(&me);
	KEXPECT_EQ(me.value, 1);
	show_page(&s, 1);
	tlb_shootdown(&s.pmap, BASE, BASE + PAGE_SIZE);
	read_address(&me);
	KEXPECT_EQ(me.value, 2);
	root_leave();
	preempt_enable();
	scene_end(&s);
}

/* All other CPUs have the root. */
KTEST(shootdown_flush_other_cpus)
{
	static struct scene s;

	kpin_to(0);
	if (!scene_make(&s))
		return;
	for (u32 cpu = 1; cpu < cpu_count; cpu++)
		if (!reader_start(cpu, &s.pmap))
			return;
	for (u32 round = 0; round < 4; round++) {
		for (u32 cpu = 1; cpu < cpu_count; cpu++) {
			reader_do(&readers[cpu], READ);
			KEXPECT_EQ(readers[cpu].value, round % 2 + 1);
		}
		show_page(&s, (round + 1) % 2);
		tlb_shootdown(&s.pmap, BASE, BASE + PAGE_SIZE);
		for (u32 cpu = 1; cpu < cpu_count; cpu++) {
			reader_do(&readers[cpu], READ);
			KEXPECT_EQ(readers[cpu].value, (round + 1) % 2 + 1);
		}
	}
	for (u32 cpu = 1; cpu < cpu_count; cpu++)
		reader_do(&readers[cpu], STOP);
	scene_end(&s);
	unbind();
}

/* CPU 1 has the root, the others have not: they get no interrupt for a flush. */
KTEST(shootdown_flush_only_users)
{
	enum { FLUSHES = 200 };
	static struct scene s;
	u64 before[MAX_CPUS] = {0};

	kpin_to(0);
	if (cpu_count < 2 || !scene_make(&s) || !reader_start(1, &s.pmap))
		return;
	for (u32 cpu = 1; cpu < cpu_count; cpu++)
		before[cpu] = READ_ONCE(cpu_get(cpu)->interrupts);
	for (u32 i = 0; i < FLUSHES; i++)
		tlb_shootdown(&s.pmap, BASE, BASE + PAGE_SIZE);
	KEXPECT(READ_ONCE(cpu_get(1)->interrupts) - before[1] >= FLUSHES / 2);
	for (u32 cpu = 2; cpu < cpu_count; cpu++)
		KEXPECT(READ_ONCE(cpu_get(cpu)->interrupts) - before[cpu] < FLUSHES / 2);
	reader_do(&readers[1], STOP);
	/* Now none has it. */
	before[1] = READ_ONCE(cpu_get(1)->interrupts);
	for (u32 i = 0; i < FLUSHES; i++)
		tlb_shootdown(&s.pmap, BASE, BASE + PAGE_SIZE);
	KEXPECT(READ_ONCE(cpu_get(1)->interrupts) - before[1] < FLUSHES / 2);
	scene_end(&s);
	unbind();
}

/* --- pages_zap() ------------------------------------------------------------------------------ */

/* Unmap a page while the reader's CPU gives no answer, 10 times. */
static void unmap_while_held(bool *waited, bool *kept, bool *gone)
{
	struct address_space *as = address_space_create();
	struct reader *r;

	*waited = *kept = *gone = true;
	kpin_to(0);
	r = cpu_count < 2 ? NULL : reader_start(1, &as->pmap);
	for (u32 round = 0; r && round < 10; round++) {
		KEXPECT_EQ(map(as, BASE, 1, RW, ANON | MAP_FIXED), BASE);
		poke(as, BASE, 77);
		reader_do(r, READ);
		KEXPECT_EQ(r->value, 77);
		r->slot = pmap_walk(&as->pmap, BASE, false);
		r->page = pte_page(*r->slot);
		r->over = r->held = false;
		reader_tell(r, HOLD);
		(void)WAIT_FOR(__atomic_load_n(&r->held, __ATOMIC_ACQUIRE));
		KEXPECT_EQ(address_space_unmap(as, BASE, PAGE_SIZE), 0);
		WRITE_ONCE(r->over, true);
		(void)WAIT_FOR(is_idle(r));
		*waited = *waited && r->waited;
		*kept = *kept && r->kept;
		reader_do(r, READ);
		*gone = *gone && r->fault;
	}
	if (r)
		reader_do(r, STOP);
	address_space_put(as);
	unbind();
}

KTEST(shootdown_unmap_waits)
{
	bool waited, kept, gone;

	unmap_while_held(&waited, &kept, &gone);
	KEXPECT(waited);
}

KTEST(shootdown_unmap_frees_after_the_answer)
{
	bool waited, kept, gone;

	unmap_while_held(&waited, &kept, &gone);
	KEXPECT(kept);
}

KTEST(shootdown_unmap_leaves_no_translation)
{
	bool waited, kept, gone;

	unmap_while_held(&waited, &kept, &gone);
	KEXPECT(gone);
}

/* On one CPU, too: the caller's own translation. */
KTEST(shootdown_unmap_here)
{
	struct address_space *as = address_space_create();
	struct reader me = {0};
	u64 *slot;

	KEXPECT_EQ(map(as, BASE, 1, RW, ANON | MAP_FIXED), BASE);
	poke(as, BASE, 78);
	slot = pmap_walk(&as->pmap, BASE, false);
	kpin_to(0);
	me.page = pte_page(*slot);
	page_get(me.page); /* so that the frame stays as it is, whenever it is freed */
	preempt_disable();
	root_load(&as->pmap);
	read_address(&me);
	KEXPECT_EQ(me.value, 78);
	preempt_enable();
	KEXPECT_EQ(address_space_unmap(as, BASE, PAGE_SIZE), 0);
	preempt_disable();
	read_address(&me);
	KEXPECT(me.fault);
	root_leave();
	preempt_enable();
	KEXPECT_EQ(page_refs(me.page), 1);
	page_put(me.page);
	address_space_put(as);
	unbind();
}

/* 100 pages come and go: their frames are free again. */
KTEST(shootdown_nothing_lost)
{
	struct page_stats before, after;

	for (u32 round = 0; round < 2; round++) {
		struct address_space *as = address_space_create();

		KEXPECT_EQ(map(as, BASE, 100, RW, ANON | MAP_FIXED), BASE);
		for (u32 i = 0; i < 100; i++)
			poke(as, BASE + i * PAGE_SIZE, i);
		KEXPECT_EQ(address_space_unmap(as, BASE, 100 * PAGE_SIZE), 0);
		address_space_put(as);
		page_drain_all();
		page_stats_read(round ? &after : &before);
	}
	KEXPECT_EQ(after.free, before.free);
}
