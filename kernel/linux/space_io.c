/* SPDX-License-Identifier: MIT
 *
 * Moving bytes between the caller and the memory of another process.
 */
#include "kernel/linux/space_io.h"

#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_space.h"

ssize_t space_transfer(struct address_space *as, u64 address, struct io_buffer *io, size_t n,
		       bool write, bool force)
{
	char *page = kmalloc(PAGE_SIZE);
	ssize_t moved = page ? 0 : -ENOMEM;
	size_t done = 0;

	n = MIN(n, io->remaining);
	while (page && done < n) {
		size_t part = MIN(n - done, PAGE_SIZE - (address + done) % PAGE_SIZE);

		moved = thread_interrupted(WAIT_KILLABLE) ? -EINTR : (ssize_t)part;
		if (moved > 0 && write)
			moved = io_get(io, page, part);
		if (moved > 0)
			moved = address_space_copy(as, address + done, page, (size_t)moved, write,
						   force);
		if (moved > 0 && !write)
			moved = io_put(io, page, (size_t)moved);
		if (moved <= 0)
			break;
		done += (size_t)moved;
		if ((size_t)moved < part)
			break;
	}
	kfree(page);
	return done ? (ssize_t)done : moved;
}
