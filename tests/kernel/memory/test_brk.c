/* SPDX-License-Identifier: MIT
 *
 * brk(), called inside the kernel.
 */
#include "kernel/linux/memory/memory.h"
#include "tests/kernel/kspace.h"
#include "tests/kernel/ktest.h"

KTEST(vm_heap_grows)
{
	struct address_space *as = address_space_create();
	u64 top = USER_MAX - 16 * PAGE_SIZE;

	map(as, top - PAGE_SIZE, 1, RW, ANON | MAP_FIXED);
	as->layout.brk_start = as->layout.brk = BASE + 100;
	KEXPECT_EQ(address_space_brk(as, 0), BASE + 100);
	KEXPECT_EQ(address_space_brk(as, BASE + 3 * PAGE_SIZE), BASE + 3 * PAGE_SIZE);
	KEXPECT_EQ(address_space_brk(as, BASE + 9 * PAGE_SIZE + 1), BASE + 9 * PAGE_SIZE + 1);
	poke(as, BASE + 9 * PAGE_SIZE, 1);
	KEXPECT_EQ(address_space_brk(as, BASE + 2 * PAGE_SIZE), BASE + 2 * PAGE_SIZE);
	KEXPECT_EQ(as->resident_anon, 0);
	KEXPECT_EQ(address_space_brk(as, top), BASE + 2 * PAGE_SIZE);
	address_space_put(as);
}
