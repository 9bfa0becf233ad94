/* SPDX-License-Identifier: MIT
 *
 * mremap(), called inside the kernel.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/memory/remap.h"
#include "tests/kernel/kspace.h"
#include "tests/kernel/ktest.h"

KTEST(vm_remap_moves_pages)
{
	struct address_space *as = address_space_create();
	u64 far = BASE + (1UL << 30) + PAGE_SIZE;
	long to;

	map(as, BASE, 600, RW, ANON | MAP_FIXED);
	map(as, BASE + 600 * PAGE_SIZE, 1, PROT_READ, ANON | MAP_FIXED);
	poke(as, BASE, 1);
	poke(as, BASE + 599 * PAGE_SIZE, 2);
	KEXPECT_EQ(address_space_remap(as, BASE, 600 * PAGE_SIZE, 700 * PAGE_SIZE, 0, 0), -ENOMEM);
	to = address_space_remap(as, BASE, 600 * PAGE_SIZE, 700 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, far);
	KEXPECT_EQ(to, far);
	KEXPECT_EQ(peek(as, far), 1);
	KEXPECT_EQ(peek(as, far + 599 * PAGE_SIZE), 2);
	KEXPECT_EQ(address_space_fault(as, BASE, FAULT_READ), FAULT_MAPERR);
	KEXPECT_EQ(as->mapped_bytes, 701 * PAGE_SIZE);
	KEXPECT_EQ(address_space_remap(as, far, 700 * PAGE_SIZE, 800 * PAGE_SIZE, 0, 0), far);
	KEXPECT_EQ(address_space_remap(as, far, 800 * PAGE_SIZE, PAGE_SIZE, 0, 0), far);
	KEXPECT_EQ(as->resident_anon, 1);
	KEXPECT_EQ(as->mapped_bytes, 2 * PAGE_SIZE);
	KEXPECT_EQ(address_space_remap(as, far, 0, PAGE_SIZE, MREMAP_MAYMOVE, 0), -EINVAL);
	address_space_put(as);
}

/* Let each allocation of a moving mremap() fail once: the mapping must never be moved in part. */
KTEST(vm_remap_survives_failed_allocations)
{
	bool done = false;

	for (u64 n = 1; n < 200 && !done; n++) {
		struct address_space *as = address_space_create();

		map(as, BASE, 600, RW, ANON | MAP_FIXED);
		poke(as, BASE + 599 * PAGE_SIZE, 2);
		alloc_fail_nth(n);
		done = address_space_remap(as, BASE + PAGE_SIZE, 400 * PAGE_SIZE, 401 * PAGE_SIZE,
					   MREMAP_MAYMOVE, 0) > 0 &&
		       n > 20;
		alloc_fail_nth(0);
		KEXPECT_EQ(peek(as, BASE + 599 * PAGE_SIZE), 2);
		address_space_put(as);
	}
	KEXPECT(done);
}
