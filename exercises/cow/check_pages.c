/* SPDX-License-Identifier: MIT
 *
 * Self-tests of the exercise "cow": frames, entries and references after fork() and after writes.
 */
#include "kernel/lib/abi.h"
#include "kernel/mem/page.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/pages.h"
#include "tests/kernel/kspace.h"

#define PAGES 8

/* The frame that is mapped at page `i`, and how many references it has. */
static struct page *frame(struct address_space *as, u64 i)
{
	u64 entry = space_pte(as, BASE + i * PAGE_SIZE);

	return entry ? pte_page(entry) : NULL;
}

static u32 references(struct address_space *as, u64 i)
{
	struct page *page = frame(as, i);

	return page ? page_refs(page) : 0;
}

/* A space with PAGES pages; page i holds 100 + i. */
static struct address_space *parent_space(void)
{
	struct address_space *as = address_space_create();

	map(as, BASE, PAGES, RW, ANON | MAP_FIXED);
	for (u32 i = 0; i < PAGES; i++)
		poke(as, BASE + i * PAGE_SIZE, 100 + i);
	return as;
}

KTEST(cow_fork_shares_frames)
{
	struct address_space *as = parent_space(), *child = address_space_fork(as);

	for (u32 i = 0; i < PAGES; i++) {
		KEXPECT(frame(as, i) && frame(child, i) == frame(as, i));
		KEXPECT_EQ(references(as, i), 2);
	}
	address_space_put(child);
	for (u32 i = 0; i < PAGES; i++)
		KEXPECT_EQ(references(as, i), 1);
	address_space_put(as);
}

KTEST(cow_fork_takes_write_away)
{
	struct address_space *as = parent_space(), *child = address_space_fork(as);

	for (u32 i = 0; i < PAGES; i++) {
		KEXPECT_EQ(space_pte(as, BASE + i * PAGE_SIZE) & PTE_WRITE, 0);
		KEXPECT_EQ(space_pte(child, BASE + i * PAGE_SIZE) & PTE_WRITE, 0);
	}
	address_space_put(child);
	address_space_put(as);
}

KTEST(cow_child_writes_its_own)
{
	struct address_space *as = parent_space(), *child = address_space_fork(as);

	for (u32 i = 0; i < PAGES; i += 2)
		poke(child, BASE + i * PAGE_SIZE, 200 + i);
	for (u32 i = 0; i < PAGES; i++) {
		KEXPECT_EQ(peek(as, BASE + i * PAGE_SIZE), 100 + i);
		KEXPECT_EQ(peek(child, BASE + i * PAGE_SIZE), i % 2 ? 100 + i : 200 + i);
	}
	address_space_put(child);
	address_space_put(as);
}

KTEST(cow_parent_writes_its_own)
{
	struct address_space *as = parent_space(), *child = address_space_fork(as);

	for (u32 i = 0; i < PAGES; i += 2)
		poke(as, BASE + i * PAGE_SIZE, 300 + i);
	for (u32 i = 0; i < PAGES; i++)
		KEXPECT_EQ(peek(child, BASE + i * PAGE_SIZE), 100 + i);
	address_space_put(child);
	address_space_put(as);
}

/* A copy holds all of the page, not only what was written; the old frame has one owner less. */
KTEST(cow_copy_is_whole)
{
	struct address_space *as = parent_space(), *child;

	KEXPECT_EQ(address_space_write(as, BASE + PAGE_SIZE - 4, &(u32){77}, 4, false), 4);
	child = address_space_fork(as);
	poke(child, BASE, 5);
	KEXPECT_EQ(peek(child, BASE + PAGE_SIZE - 4), 77);
	KEXPECT(frame(child, 0) != frame(as, 0));
	KEXPECT_EQ(references(as, 0), 1);
	KEXPECT_EQ(references(child, 0), 1);
	address_space_put(child);
	address_space_put(as);
}

/* The last owner of a frame writes to it in place. */
KTEST(cow_last_owner_keeps_frame)
{
	struct address_space *as = parent_space(), *child = address_space_fork(as);
	struct page *before = frame(as, 0);

	poke(child, BASE, 1);
	poke(as, BASE, 2);
	KEXPECT(frame(as, 0) == before);
	KEXPECT_EQ(as->cow_copies, 0);
	KEXPECT_EQ(child->cow_copies, 1);
	address_space_put(child);
	address_space_put(as);
}

/* A read maps the zero page; a write to it must not reach another reader. */
KTEST(cow_zero_page_stays_zero)
{
	struct address_space *as = address_space_create();

	map(as, BASE, 2, RW, ANON | MAP_FIXED);
	KEXPECT_EQ(address_space_fault(as, BASE, FAULT_READ), FAULT_DONE);
	KEXPECT_EQ(address_space_fault(as, BASE + PAGE_SIZE, FAULT_READ), FAULT_DONE);
	poke(as, BASE, 9);
	KEXPECT_EQ(peek(as, BASE), 9);
	KEXPECT_EQ(peek(as, BASE + PAGE_SIZE), 0);
	KEXPECT_EQ(peek(as, BASE + 8), 0);
	address_space_put(as);
}

/* The number of free frames is the same before and after. */
KTEST(cow_frames_come_back)
{
	struct page_stats before, after;
	struct address_space *as, *child;

	page_drain_all();
	page_stats_read(&before);
	as = parent_space();
	for (u32 n = 0; n < 4; n++) {
		child = address_space_fork(as);
		for (u32 i = 0; i < PAGES; i++) {
			poke(child, BASE + i * PAGE_SIZE, i);
			poke(as, BASE + i * PAGE_SIZE, n);
		}
		address_space_put(child);
	}
	address_space_put(as);
	page_drain_all();
	page_stats_read(&after);
	KEXPECT_EQ(after.free, before.free);
}
