/* host-sources: kernel/mem/page.c kernel/mem/early.c kernel/lib/string.c kernel/lib/format.c
 * tests/unit/machine/machine.c tests/unit/machine/panic.c */
/* host-flags: -include tests/unit/rename.h -iquote tests/unit/machine -DHEDDLE_DEBUG=1 */
/* SPDX-License-Identifier: MIT
 *
 * The frame allocator against a map of who has which frame.
 */
#include "arch/x86_64/cpu/percpu.h"
#include "boot/boot_info.h"
#include "kernel/lib/string.h"
#include "kernel/mem/early.h"
#include "kernel/mem/page.h"
#include "kernel/sync/spinlock.h"
#include "tests/unit/host.h"
#include "tests/unit/machine/machine.h"

#define FRAMES (HOST_MEMORY_SIZE >> PAGE_SHIFT)

static bool taken[FRAMES];
static paddr_t early[10];

static struct page_stats stats(void)
{
	struct page_stats s;

	page_stats_read(&s);
	return s;
}

static bool ledger_is_right(void)
{
	struct page_stats s = stats();
	u64 used = 0;

	for (int use = PAGE_RESERVED + 1; use < PAGE_USES; use++)
		used += s.used[use];
	return s.total == s.free + used;
}

/* May this frame ever be given? */
static bool is_ours(u64 frame)
{
	paddr_t a = frame << PAGE_SHIFT;

	for (size_t i = 0; i < ARRAY_SIZE(early); i++)
		if (a == early[i])
			return false;
	return a >= 0x10000 && a != 0x20000 && a != 0x80000 && !(a >= 0x9f000 && a < 0x180000) &&
	       !(a >= 0x181000 && a < 0x1a2000) && !(a >= 0x600000 && a < 0x700000) &&
	       a != 0x800000 && a != 0x801000 && a < HOST_MEMORY_SIZE - PAGE_SIZE;
}

/* Mark the block; false where a frame of it was taken already, or is nobody's to give. */
static bool mark(struct page *p, unsigned order, bool to)
{
	u64 first = page_to_phys(p) >> PAGE_SHIFT;

	if (first & ((1UL << order) - 1))
		return false;
	for (u64 f = first; f < first + (1UL << order); f++) {
		if (taken[f] == to || !is_ours(f))
			return false;
		taken[f] = to;
	}
	return true;
}

static void early_frames(void)
{
	memset(phys_to_virt(0x180000), 0xff, 0x400000);
	for (size_t i = 0; i < ARRAY_SIZE(early); i++) {
		early[i] = 0;
		paddr_t a = early_frame_alloc();

		CHECK(is_ours(a >> PAGE_SHIFT) && !memchr(phys_to_virt(a), 0xff, PAGE_SIZE));
		early[i] = a;
	}
	CHECK(early[0] == 0x180000 && early[1] == 0x1a2000);
}

static void init(void)
{
	struct page_stats s;
	u64 usable = 0;

	page_init();
	s = stats();
	for (u64 f = 0; f < FRAMES; f++)
		usable += is_ours(f);
	CHECK_EQ(page_array_frames, FRAMES - 1);
	CHECK_EQ(s.total,
		 usable - DIV_ROUND_UP(page_array_frames * sizeof(struct page), PAGE_SIZE));
	CHECK_EQ(s.free, s.total);
	CHECK(ledger_is_right());
	CHECK(!phys_to_page(0x600000) && !phys_to_page(0xa0000) && !phys_to_page(1UL << 40));
	CHECK(!phys_to_page(0x800fff) && !phys_to_page(0x801000) && phys_to_page(0x802000));
	CHECK(phys_to_page(0x100000)->use == PAGE_RESERVED && phys_to_page(0x1b0000));
	CHECK(PANICS(early_frame_alloc()));
}

#define HELD 600

static void random_blocks(void)
{
	struct page *held[HELD] = {NULL};
	u64 free_before = stats().free;
	bool ok = true;

	for (int i = 0; i < 200000; i++) {
		u64 slot = host_random() % HELD;
		struct page *p = held[slot];

		host_cpu = (u32)(host_random() % HOST_CPUS);
		if (p) {
			held[slot] = NULL;
			ok = ok && mark(p, p->order, false) && page_refs(p) == 1;
			page_put(p);
		} else {
			unsigned order = host_random() % 4 ? 0 : (unsigned)(host_random() % 9);
			enum page_use use = PAGE_KERNEL + host_random() % (PAGE_USES - PAGE_KERNEL);

			p = page_alloc(order, use);
			if (!p)
				continue;
			ok = ok && p->use == use && p->order == order && mark(p, order, true);
			memset(page_to_virt(p), 0x11, PAGE_SIZE << order);
			held[slot] = p;
		}
		if (i % 1000 == 0)
			ok = ok && ledger_is_right();
	}
	CHECK(ok && ledger_is_right());
	for (int i = 0; i < HELD; i++) {
		if (!held[i])
			continue;
		CHECK(mark(held[i], held[i]->order, false));
		page_put(held[i]);
	}
	CHECK_EQ(stats().free, free_before);
	CHECK_EQ(stats().used[PAGE_ANON], 0);
}

/* All of it can be had, from one CPU, though others' caches hold some; then all merges again. */
static void exhaustion(void)
{
	struct list all = LIST_INIT(all), *link;
	u64 n = 0, total = stats().total, big = 0;
	struct page *p;

	for (host_cpu = 0; host_cpu < HOST_CPUS; host_cpu++)
		page_put(page_alloc(0, PAGE_ANON));
	host_cpu = 0;
	while ((p = page_alloc(0, PAGE_ANON))) {
		list_push_back(&all, &p->link);
		n++;
	}
	CHECK_EQ(n, total);
	CHECK_EQ(stats().free, 0);
	CHECK(stats().failed > 0 && stats().used[PAGE_ANON] == total);
	host_irqs = false;
	CHECK(!page_alloc(3, PAGE_KERNEL));
	host_irqs = true;
	while ((link = list_pop_front(&all))) {
		host_cpu = (host_cpu + 1) % HOST_CPUS;
		page_put(list_entry(link, struct page, link));
	}
	page_drain_all();
	CHECK_EQ(stats().free, total);
	while ((p = page_alloc(PAGE_ORDER_MAX, PAGE_KERNEL))) {
		list_push_back(&all, &p->link);
		big++;
	}
	CHECK(big >= 4); /* of the 6 whole blocks in the map, two are pierced */
	while ((link = list_pop_front(&all)))
		page_put(list_entry(link, struct page, link));
	CHECK(ledger_is_right());
}

static void references(void)
{
	struct page *p = page_alloc(0, PAGE_ANON);

	page_get(p);
	page_put(p);
	CHECK_EQ(page_refs(p), 1);
	page_put(p);
	CHECK(PANICS(page_put(p)) && strstr(host_panic_message, "freed once too often"));
	p->refs = 0;
	CHECK(PANICS(page_get(p)));
	p->refs = 0;
	CHECK(PANICS(page_put(phys_to_page(0x100000))) &&
	      strstr(host_panic_message, "never allocated"));
}

static void zeroed_and_failing(void)
{
	struct page *p = page_alloc(0, PAGE_ANON);

	memset(page_to_virt(p), 0xff, PAGE_SIZE);
	page_put(p);
	p = page_alloc_zeroed(PAGE_ANON);
	CHECK(!memchr(page_to_virt(p), 0xff, PAGE_SIZE));
	page_put(p);
	alloc_fail_nth(3);
	CHECK((p = page_alloc(0, PAGE_ANON)));
	page_put(p);
	CHECK((p = page_alloc(1, PAGE_ANON)));
	page_put(p);
	CHECK(!page_alloc_zeroed(PAGE_ANON));
	CHECK((p = page_alloc(0, PAGE_ANON)));
	page_put(p);
}

static void boot_ranges(void)
{
	u64 total = stats().total, reserved = stats().used[PAGE_RESERVED];

	page_release_boot_range(0x181000, 0x1a0123);
	CHECK_EQ(stats().total - total, 0x1f);
	CHECK_EQ(reserved - stats().used[PAGE_RESERVED], 0x1f);
	page_release_boot_range(0x181000, 0x1a0123); /* again: nothing */
	page_release_boot_range(0x600000, 0x700000); /* not RAM of ours */
	page_release_boot_range(0x80000, 0x80800);   /* no whole page */
	CHECK_EQ(stats().total - total, 0x1f);
}

int main(void)
{
	host_machine_init();
	RUN(early_frames);
	RUN(init);
	RUN(random_blocks);
	RUN(exhaustion);
	RUN(zeroed_and_failing);
	RUN(boot_ranges);
	RUN(references);
	return host_done();
}
