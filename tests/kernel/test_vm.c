/* SPDX-License-Identifier: MIT
 *
 * Address spaces, used inside the kernel: regions, faults, fork, objects, and that all memory is
 * freed.
 */
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/task/process.h"
#include "kernel/vm/address_space.h"
#include "tests/kernel/kspace.h"
#include "tests/kernel/ktest.h"

static u64 free_frames(void)
{
	struct page_stats stats;

	page_drain_all();
	page_stats_read(&stats);
	return stats.free;
}

/* Set a limit of process 0, in which the self-tests run.  Returns the old one. */
static u64 limit_swap(u32 which, u64 value)
{
	u64 before = kernel_process->limits.value[which].current;

	kernel_process->limits.value[which].current = value;
	return before;
}

static long map_object(struct address_space *as, struct vm_object *o, u64 pages, u32 flags)
{
	struct map_request q = {
	    .length = pages * PAGE_SIZE, .prot = RW, .flags = flags, .object = o};

	return address_space_map(as, &q);
}

KTEST(vm_regions_split_and_merge)
{
	struct address_space *as = address_space_create();

	KEXPECT_EQ(map(as, BASE, 8, RW, ANON | MAP_FIXED), BASE);
	KEXPECT_EQ(map(as, BASE + 8 * PAGE_SIZE, 8, RW, ANON | MAP_FIXED), BASE + 8 * PAGE_SIZE);
	KEXPECT_EQ(as->region_count, 1);
	KEXPECT_EQ(address_space_protect(as, BASE + PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	KEXPECT_EQ(as->region_count, 3);
	KEXPECT_EQ(as->data_bytes, 15 * PAGE_SIZE);
	KEXPECT_EQ(address_space_protect(as, BASE + PAGE_SIZE, PAGE_SIZE, RW), 0);
	KEXPECT_EQ(as->region_count, 1);
	KEXPECT_EQ(address_space_unmap(as, BASE + 4 * PAGE_SIZE, PAGE_SIZE), 0);
	KEXPECT_EQ(as->region_count, 2);
	KEXPECT_EQ(as->mapped_bytes, 15 * PAGE_SIZE);
	KEXPECT_EQ(address_space_protect(as, BASE, 8 * PAGE_SIZE, PROT_READ), -ENOMEM);
	KEXPECT_EQ(address_space_fault(as, BASE, FAULT_WRITE), FAULT_ACCERR);
	KEXPECT_EQ(address_space_fault(as, BASE, FAULT_EXEC), FAULT_ACCERR);
	KEXPECT_EQ(address_space_fault(as, BASE + 4 * PAGE_SIZE, FAULT_READ), FAULT_MAPERR);
	KEXPECT_EQ(map(as, BASE, 1, RW, ANON | MAP_FIXED_NOREPLACE), -EEXIST);
	KEXPECT_EQ(map(as, 0, 1, RW, ANON | MAP_FIXED), -EPERM);
	KEXPECT_EQ(map(as, 0, 0, RW, ANON), -EINVAL);
	KEXPECT_EQ(map(as, 0, USER_MAX / PAGE_SIZE, RW, ANON), -ENOMEM);
	KEXPECT_EQ(map(as, 0, UINT64_MAX / PAGE_SIZE, RW, ANON), -ENOMEM);
	address_space_put(as);
}

KTEST(vm_places_top_down)
{
	struct address_space *as = address_space_create();
	u64 top = as->layout.mmap_top, before;

	KEXPECT_EQ(map(as, 0, 4, RW, ANON), top - 4 * PAGE_SIZE);
	KEXPECT_EQ(map(as, 0, 1, PROT_READ, ANON), top - 5 * PAGE_SIZE);
	KEXPECT_EQ(map(as, 0, 4, RW, ANON), top - 9 * PAGE_SIZE);
	KEXPECT_EQ(address_space_unmap(as, top - 5 * PAGE_SIZE, PAGE_SIZE), 0);
	KEXPECT_EQ(map(as, 0, 2, RW, ANON), top - 11 * PAGE_SIZE);
	KEXPECT_EQ(map(as, 0, 1, RW, ANON), top - 5 * PAGE_SIZE);
	KEXPECT_EQ(as->region_count, 1);
	before = limit_swap(RLIMIT_AS, 12 * PAGE_SIZE);
	KEXPECT_EQ(map(as, 0, 2, RW, ANON), -ENOMEM);
	KEXPECT_EQ(map(as, top - 2 * PAGE_SIZE, 3, RW, ANON | MAP_FIXED), -ENOMEM);
	KEXPECT_EQ(map(as, top - 3 * PAGE_SIZE, 3, PROT_READ, ANON | MAP_FIXED),
		   top - 3 * PAGE_SIZE);
	limit_swap(RLIMIT_AS, before);
	address_space_put(as);
}

KTEST(vm_fork_copies_on_write)
{
	u64 before = free_frames();
	struct address_space *as = address_space_create(), *child;

	map(as, BASE, 1024, RW, ANON | MAP_FIXED);
	KEXPECT_EQ(peek(as, BASE), 0);
	KEXPECT_EQ(as->resident_anon, 0); /* a read allocates no frame */
	poke(as, BASE, 1);
	poke(as, BASE + 1000 * PAGE_SIZE, 2);
	KEXPECT_EQ(as->resident_anon, 2);
	child = address_space_fork(as);
	KEXPECT_EQ(child->resident_anon, 2);
	KEXPECT_EQ(space_pte(as, BASE) & PTE_WRITE, 0);
	poke(child, BASE, 3);
	KEXPECT_EQ(peek(as, BASE), 1);
	KEXPECT_EQ(child->cow_copies, 1);
	poke(as, BASE, 4); /* the page is not shared any more, so it is not copied */
	KEXPECT_EQ(as->cow_copies, 0);
	KEXPECT_EQ(peek(child, BASE), 3);
	KEXPECT_EQ(peek(child, BASE + 1000 * PAGE_SIZE), 2);
	address_space_put(as);
	poke(child, BASE + 1000 * PAGE_SIZE, 5);
	KEXPECT_EQ(child->cow_copies, 1);
	address_space_put(child);
	KEXPECT_EQ(free_frames(), before);
}

KTEST(vm_fork_shares)
{
	struct address_space *as = address_space_create(), *child;
	long shared = map(as, 0, 1, RW, MAP_SHARED | MAP_ANONYMOUS);

	poke(as, (u64)shared, 8);
	child = address_space_fork(as);
	poke(child, (u64)shared, 9);
	KEXPECT_EQ(peek(as, (u64)shared), 9);
	address_space_put(as);
	address_space_put(child);
}

KTEST(vm_object_cut_reaches_mappings)
{
	u64 before = free_frames();
	struct address_space *as = address_space_create();
	struct vm_object *o = vm_object_create(64 * PAGE_SIZE, PAGE_OBJECT);
	u64 shared = (u64)map_object(as, o, 64, MAP_SHARED);
	u64 private = (u64)map_object(as, o, 64, MAP_PRIVATE);
	struct futex_key a, b;

	poke(as, shared + 40 * PAGE_SIZE, 1);
	KEXPECT_EQ(peek(as, private + 40 * PAGE_SIZE), 1);
	poke(as, private + 40 * PAGE_SIZE, 2);
	KEXPECT_EQ(peek(as, shared + 40 * PAGE_SIZE), 1);
	poke(as, shared + 4, 3);
	KEXPECT_EQ(address_space_protect(as, shared, 32 * PAGE_SIZE, PROT_READ), 0);
	KEXPECT_EQ(vm_object_resize(o, 2), 0);
	KEXPECT_EQ(o->page_count, 1);
	KEXPECT_EQ(peek(as, shared + 4), 0); /* the rest of the last page is zeroed */
	KEXPECT_EQ(address_space_fault(as, shared + 40 * PAGE_SIZE, FAULT_READ), FAULT_BUS);
	KEXPECT_EQ(address_space_fault(as, private + 40 * PAGE_SIZE, FAULT_READ), FAULT_BUS);
	KEXPECT_EQ(address_space_resident(as), 1);
	KEXPECT_EQ(address_space_futex_key(as, shared + 8, &a), 0);
	b = (struct futex_key){(u64)as, private + 8};
	KEXPECT_EQ(address_space_futex_key(as, private + 8, &b), 0);
	KEXPECT(a.object == (o->id | 1UL << 63) && a.offset == 8);
	KEXPECT(b.object == (u64)as && b.offset == private + 8);
	vm_object_put(o);
	address_space_put(as);
	KEXPECT_EQ(free_frames(), before);
}

KTEST(vm_protect_keeps_pages)
{
	struct address_space *as = address_space_create();

	map(as, BASE, 2, RW, ANON | MAP_FIXED);
	poke(as, BASE, 5);
	KEXPECT_EQ(address_space_protect(as, BASE, 2 * PAGE_SIZE, PROT_NONE), 0);
	KEXPECT_EQ(space_pte(as, BASE) & PTE_PRESENT, 0);
	KEXPECT_EQ(address_space_fault(as, BASE, FAULT_READ), FAULT_ACCERR);
	KEXPECT_EQ(address_space_protect(as, BASE, 2 * PAGE_SIZE, PROT_READ), 0);
	KEXPECT_EQ(peek(as, BASE), 5);
	KEXPECT_EQ(space_pte(as, BASE) & PTE_WRITE, 0);
	address_space_put(as);
}

KTEST(peek_and_poke)
{
	struct address_space *as = address_space_create();
	struct map_request q = {.address = BASE,
				.length = 2 * PAGE_SIZE,
				.prot = PROT_READ,
				.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED};
	u32 value = 6, seen = 1;

	KEXPECT_EQ(address_space_map(as, &q), BASE);
	KEXPECT_EQ(address_space_read(as, BASE, &seen, 4), 4);
	KEXPECT_EQ(seen, 0);
	KEXPECT_EQ(address_space_write(as, BASE, &value, 4, false), -EFAULT);
	KEXPECT_EQ(address_space_write(as, BASE + 2 * PAGE_SIZE - 2, &value, 4, true), 2);
	KEXPECT_EQ(address_space_write(as, BASE, &value, 4, true), 4);
	KEXPECT_EQ(address_space_read(as, BASE, &seen, 4), 4);
	KEXPECT_EQ(seen, 6);
	KEXPECT_EQ(space_pte(as, BASE) & PTE_WRITE, 0);
	address_space_put(as);
}

KTEST(vm_stack_grows)
{
	struct address_space *as = address_space_create();
	u64 top = USER_MAX - 16 * PAGE_SIZE;
	struct map_request q = {.address = top - PAGE_SIZE,
				.length = PAGE_SIZE,
				.prot = RW,
				.flags = ANON | MAP_FIXED,
				.is_stack = true};
	u64 before = limit_swap(RLIMIT_STACK, 1024 * PAGE_SIZE);

	address_space_map(as, &q);
	poke(as, top - 1000 * PAGE_SIZE, 1);
	KEXPECT_EQ(as->mapped_bytes, 1000 * PAGE_SIZE);
	KEXPECT_EQ(address_space_fault(as, top - 1025 * PAGE_SIZE, FAULT_WRITE), FAULT_MAPERR);
	map(as, top - 1200 * PAGE_SIZE, 1, RW, ANON | MAP_FIXED);
	KEXPECT_EQ(address_space_fault(as, top - 1010 * PAGE_SIZE, FAULT_WRITE), FAULT_MAPERR);
	limit_swap(RLIMIT_STACK, before);
	address_space_put(as);
}

/* Let each allocation of fork, of a copy on write and of a split mapping fail once.  No memory may
 * be lost. */
KTEST(vm_survives_failed_allocations)
{
	u64 before = free_frames();
	bool done = false;

	for (u64 n = 1; n < 200 && !done; n++) {
		struct address_space *as = address_space_create(), *child;

		map(as, BASE, 600, RW, ANON | MAP_FIXED);
		map(as, 0, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
		poke(as, BASE, 1);
		poke(as, BASE + 599 * PAGE_SIZE, 2);
		alloc_fail_nth(n);
		child = address_space_fork(as);
		done = !IS_ERR(child);
		if (done) {
			done = address_space_fault(child, BASE, FAULT_WRITE) == FAULT_DONE &&
			       address_space_unmap(as, BASE + 500 * PAGE_SIZE, PAGE_SIZE) == 0;
			/* The kernel could do without the allocation that failed: go on. */
			done = done && n > 60;
			address_space_put(child);
		}
		alloc_fail_nth(0);
		KEXPECT_EQ(peek(as, BASE), 1);
		KEXPECT_EQ(peek(as, BASE + 599 * PAGE_SIZE), 2);
		address_space_put(as);
	}
	KEXPECT(done);
	KEXPECT_EQ(free_frames(), before);
}
