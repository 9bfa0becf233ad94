/* SPDX-License-Identifier: MIT
 *
 * Memory: mmap and its kin.
 */
#include "kernel/lib/errno.h"
#include "kernel/sys/calls.h"

static struct address_space *space(void)
{
	return current_process()->space;
}

#define MAP_TYPE 0x0f

/* What the file allows of a mapping, and its object. */
static int map_file(struct file *f, struct map_request *r)
{
	u32 mode = f->flags & O_ACCMODE;
	bool shared = (r->flags & MAP_TYPE) != MAP_PRIVATE;

	if (mode == O_WRONLY || (shared && r->prot & PROT_WRITE && mode != O_RDWR))
		return -EACCES;
	if (!f->ops->map)
		return -ENODEV;
	if (r->offset + r->length < r->offset)
		return -EOVERFLOW;
	r->object = f->ops->map(f, r->offset, r->length, r->prot, r->flags);
	if (IS_ERR(r->object))
		return (int)PTR_ERR(r->object);
	r->file = f;
	if (shared && mode != O_RDWR)
		r->max_prot = PROT_READ | PROT_EXEC;
	return 0;
}

SYSCALL6(mmap, address, length, prot, flags, fd, offset)
{
	u64 type = flags & MAP_TYPE;
	struct map_request r = {.address = address,
				.length = length,
				.prot = (u32)prot & (PROT_READ | PROT_WRITE | PROT_EXEC),
				.flags = (u32)flags,
				.offset = offset};
	struct file *f = NULL;
	long result = 0;

	if (offset & ~PAGE_MASK || !length)
		return -EINVAL;
	if (type != MAP_PRIVATE && type != MAP_SHARED &&
	    (type != MAP_SHARED_VALIDATE || flags & MAP_ANONYMOUS))
		return -EINVAL;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (address & ~PAGE_MASK)
			return -EINVAL;
	} else {
		r.address &= PAGE_MASK;
	}
	if (type == MAP_SHARED_VALIDATE) /* from here on as MAP_SHARED */
		r.flags &= ~(u32)MAP_PRIVATE;
	if (flags & MAP_ANONYMOUS) {
		r.offset = 0;
	} else {
		f = fd_get((u32)fd);
		result = f ? map_file(f, &r) : -EBADF;
	}
	if (!result)
		result = address_space_map(space(), &r);
	if (result >= 0 && flags & (MAP_POPULATE | MAP_LOCKED) && prot)
		(void)address_space_populate(space(), (u64)result, length);
	if (r.object && !IS_ERR(r.object))
		vm_object_put(r.object);
	if (f)
		file_put(f);
	return result;
}

CALL(munmap, address_space_unmap(space(), a, b))
CALL(brk, address_space_brk(space(), a))
CALL(madvise, address_space_advise(space(), a, b, (int)c))

SYSCALL3(mprotect, address, length, prot)
{
	if (prot & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC))
		return -EINVAL;
	return address_space_protect(space(), address, length, (u32)prot);
}

SYSCALL5(mremap, address, old_length, new_length, flags, new_address)
{
	if (flags & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED) ||
	    (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)))
		return -EINVAL;
	return address_space_remap(space(), address, old_length, new_length, (u32)flags,
				   new_address);
}

SYSCALL3(msync, address, length, flags)
{
	if (flags & ~(u64)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	return address_space_sync(space(), address, length, (int)flags);
}

/* In pieces, since the answer must pass through a buffer. */
SYSCALL3(mincore, address, length, user)
{
	u8 vector[256];

	if (address & ~PAGE_MASK)
		return -EINVAL;
	if (!user_range_ok(address, length))
		return -ENOMEM;
	for (u64 left = DIV_ROUND_UP(length, PAGE_SIZE); left;) {
		u64 n = MIN(left, sizeof(vector));
		int error = address_space_mincore(space(), address, n * PAGE_SIZE, vector);

		if (!error)
			error = copy_to_user((void *)user, vector, n);
		if (error)
			return error;
		address += n * PAGE_SIZE;
		user += n;
		left -= n;
	}
	return 0;
}

/* --- Locking: nothing is ever paged out, so it is enough that the pages are there ----------------
 */

static long lock_pages(u64 address, u64 length, bool populate)
{
	u64 start = address & PAGE_MASK, end = ALIGN_UP(address + length, PAGE_SIZE);

	if (end < start)
		return -EINVAL;
	if (start == end)
		return 0;
	if (!user_range_ok(start, end - start))
		return -ENOMEM;
	return populate ? address_space_populate(space(), start, end - start) : 0;
}

CALL(mlock, lock_pages(a, b, true))
CALL(munlock, lock_pages(a, b, false))
CALL(mlockall, !a || a & ~7UL || a == 4 /* MCL_ONFAULT alone */ ? -EINVAL : 0)
CALL(munlockall, 0)
