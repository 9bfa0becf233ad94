/* SPDX-License-Identifier: MIT
 *
 * Memory: mmap(), munmap(), mprotect().
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

	if (offset & ~PAGE_MASK)
		return -EINVAL;
	if (flags & MAP_ANONYMOUS) {
		r.offset = 0;
		return address_space_map(space(), &r);
	}
	return WITH_FILE(fd, length && flags & MAP_SHARED_VALIDATE ? file_map(file, space(), &r)
								   : -EINVAL);
}

CALL(munmap, address_space_unmap(space(), a, b))

CALL(mprotect, c >> 32 ? -EINVAL : address_space_protect(space(), a, b, (u32)c))
