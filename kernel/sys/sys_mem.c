/* SPDX-License-Identifier: MIT
 *
 * Memory: mmap and its kin.
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"
#include "kernel/vm/address_space.h"

static struct address_space *space(void)
{
	return current_process()->space;
}

SYSCALL6(mmap, address, length, prot, flags, fd, offset)
{
	struct map_request r = {.address = address,
				.length = length,
				.prot = (u32)prot & (PROT_READ | PROT_WRITE | PROT_EXEC),
				.flags = (u32)flags,
				.offset = offset};

	if (offset & ~PAGE_MASK || !length)
		return -EINVAL;
	if (flags & MAP_ANONYMOUS) {
		r.offset = 0;
		return address_space_map(space(), &r);
	}
	return WITH_FILE(fd, file_map(file, space(), &r));
}

CALL(munmap, address_space_unmap(space(), a, b))
CALL(brk, address_space_brk(space(), a))
CALL(madvise, address_space_advise(space(), a, b, (int)c))

CALL(mprotect, c >> 32 ? -EINVAL : address_space_protect(space(), a, b, (u32)c))
CALL(mremap, d >> 32 ? -EINVAL : address_space_remap(space(), a, b, c, (u32)d, e))

/* Objects are memory: there is nothing to write back. */
SYSCALL3(msync, address, length, flags)
{
	if (flags & ~(u64)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) || address & ~PAGE_MASK)
		return -EINVAL;
	return address_space_covers(space(), address, length);
}

/* Nothing is ever paged out: to lock pages it is enough that they are there. */
CALL(mlock, address_space_populate(space(), a, b))
CALL(munlock, address_space_covers(space(), a &PAGE_MASK, b + (a & ~PAGE_MASK)))
CALL(mlockall, !a || a & ~7UL || a == 4 /* MCL_ONFAULT alone */ ? -EINVAL : 0)
CALL(munlockall, 0)
