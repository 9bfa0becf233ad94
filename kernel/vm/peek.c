/* SPDX-License-Identifier: MIT
 *
 * Reading and writing the memory of any space: exec fills the new program's stack,
 * /proc/PID/cmdline shows another's arguments.
 */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/vm/fault.h"
#include "kernel/vm/pages.h"

/* Copy inside one page, if its entry allows that now.  The caller holds page_table_lock, so the
 * page cannot be unmapped or shared by a fork during the copy. */
static bool copy_now(struct region *r, u64 address, void *buf, size_t n, bool write)
{
	u64 *slot = pte_slot(r->space, address), offset = address % PAGE_SIZE;
	char *memory;

	if (!slot || !*slot || (write && !pte_owned(r, pte_page(*slot))))
		return false;
	memory = (char *)phys_to_virt(*slot & PTE_ADDRESS) + offset;
	memcpy(write ? memory : buf, write ? buf : memory, n);
	if (write)
		__atomic_fetch_or(slot, PTE_DIRTY, __ATOMIC_RELAXED); /* as the processor does */
	return true;
}

/* Does the region allow the access, or with `force` could it be made to (ptrace(2))? */
static bool access_allowed(const struct region *r, bool write, bool force)
{
	return r->prot & (write ? PROT_WRITE : PROT_READ) || (force && !(write && r->shared));
}

static bool copy_in_page(struct address_space *as, u64 address, void *buf, size_t n, bool write,
			 bool force)
{
	bool copied = false;
	struct region *r;

	rwlock_read_lock(&as->lock);
	r = region_at(as, address);
	if (r && access_allowed(r, write, force)) {
		do {
			spin_lock(&as->page_table_lock);
			copied = copy_now(r, address, buf, n, write);
			spin_unlock(&as->page_table_lock);
		} while (!copied && fault_page(r, address, write) <= FAULT_SPURIOUS);
	}
	rwlock_read_unlock(&as->lock);
	return copied;
}

ssize_t address_space_copy(struct address_space *as, u64 address, void *buf, size_t n, bool write,
			   bool force)
{
	size_t done = 0;

	while (done < n && address < USER_MAX) {
		size_t part = MIN(n - done, PAGE_SIZE - address % PAGE_SIZE);

		if (!copy_in_page(as, address, (char *)buf + done, part, write, force))
			break;
		done += part;
		address += part;
	}
	return done || !n ? (ssize_t)done : -EFAULT;
}
