/* SPDX-License-Identifier: MIT
 *
 * brk(2): the heap, which grows behind the program's data.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/memory/memory.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/region.h"

/* Grow the heap over [start, end).  The caller holds as->lock. */
static bool heap_grow(struct address_space *as, u64 start, u64 end, struct list *dead)
{
	struct region model = {
	    .start = start,
	    .end = end,
	    .prot = PROT_READ | PROT_WRITE,
	    .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
	    .is_heap = true,
	    .space = as,
	};

	if (!regions_none(as, start, end + PAGE_SIZE) || IS_ERR(region_replace(&model, NULL, dead)))
		return false;
	regions_merge(as, start, end, dead);
	return true;
}

u64 address_space_brk(struct address_space *as, u64 new_break)
{
	struct list dead = LIST_INIT(dead);
	u64 result, old_end, new_end;
	bool ok = true;

	rwlock_write_lock(&as->lock);
	if (new_break >= as->layout.brk_start && new_break <= USER_MAX - PAGE_SIZE) {
		old_end = ALIGN_UP(as->layout.brk, PAGE_SIZE);
		new_end = ALIGN_UP(new_break, PAGE_SIZE);
		if (new_end > old_end)
			ok = heap_grow(as, old_end, new_end, &dead);
		else if (new_end < old_end)
			ok = !regions_unmap(as, new_end, old_end, &dead);
		if (ok)
			as->layout.brk = new_break;
	}
	result = as->layout.brk;
	rwlock_write_unlock(&as->lock);
	regions_free(&dead);
	return result;
}

CALL(brk, address_space_brk(current_space(), a))
