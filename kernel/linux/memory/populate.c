/* SPDX-License-Identifier: MIT
 *
 * Making pages present before they are used.
 */
#include "kernel/linux/memory/memory.h"

#include "kernel/lib/errno.h"
#include "kernel/task/thread.h"
#include "kernel/vm/pages.h"
#include "kernel/vm/region.h"

u64 address_space_pte(struct address_space *as, u64 address)
{
	u64 *slot, entry;

	spin_lock(&as->page_table_lock);
	slot = address < USER_MAX ? pte_slot(as, address) : NULL;
	entry = slot ? *slot : 0;
	spin_unlock(&as->page_table_lock);
	return entry;
}

int address_space_populate(struct address_space *as, u64 address, u64 length)
{
	u64 end, a = ALIGN_DOWN(address, PAGE_SIZE);

	if (length > USER_MAX || !range_check(a, length + (address - a), &end))
		return -ENOMEM;
	while (a < end) {
		enum fault_access access = FAULT_READ;
		struct region *r;

		/* Pages that may be written, and are of no file, are made by a write, so that none
		 * of them has to be copied or filled in later. */
		rwlock_read_lock(&as->lock);
		r = region_at(as, a);
		if (r && !(r->shared && r->file) && (r->prot & PROT_WRITE))
			access = FAULT_WRITE;
		rwlock_read_unlock(&as->lock);
		if (!r)
			return -ENOMEM;
		switch (address_space_fault(as, a, access)) {
		case FAULT_DONE:
		case FAULT_SPURIOUS:
			break;
		case FAULT_NO_MEMORY:
			return -EAGAIN;
		case FAULT_SIGNAL:
			return -EINTR;
		default:
			return -ENOMEM;
		}
		if (thread_interrupted(WAIT_KILLABLE))
			return -EINTR;
		if (address_space_pte(as, a))
			a += PAGE_SIZE; /* else another thread changed it under our eyes */
	}
	return 0;
}
