/* SPDX-License-Identifier: MIT
 *
 * Copying between kernel and user, checked (kernel/vm/usercopy.h).
 */
#include "kernel/vm/usercopy.h"

#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/usercopy.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_space.h"

bool user_range_ok(u64 address, size_t n)
{
	return n <= USER_MAX && address <= USER_MAX - n;
}

/* A kernel thread has no user memory, even if the page tables of a process are still loaded
 * (lazily). */
static bool range_usable(const void *user, size_t n)
{
	return user_range_ok((u64)user, n) && current_thread()->pmap;
}

int copy_from_user(void *dst, const void *user_src, size_t n)
{
	might_sleep();
	if (!range_usable(user_src, n))
		return -EFAULT;
	return usercopy_raw_in(dst, user_src, n) ? -EFAULT : 0;
}

int copy_to_user(void *user_dst, const void *src, size_t n)
{
	might_sleep();
	if (!range_usable(user_dst, n))
		return -EFAULT;
	return usercopy_raw_out(user_dst, src, n) ? -EFAULT : 0;
}

ssize_t copy_string_from_user(char *dst, const char *user_src, size_t size)
{
	u64 address = (u64)user_src;
	size_t room;
	ssize_t n;

	might_sleep();
	if (address >= USER_MAX || !current_thread()->pmap)
		return -EFAULT;
	room = MIN(size, USER_MAX - address);
	n = usercopy_raw_string(dst, user_src, room);
	if (n < (ssize_t)room)
		return n;
	return room < size ? -EFAULT : -ENAMETOOLONG;
}

int get_user_u32(u32 *value, const u32 *user)
{
	return copy_from_user(value, user, sizeof(*value));
}

int get_user_u64(u64 *value, const u64 *user)
{
	return copy_from_user(value, user, sizeof(*value));
}

int put_user_u32(u32 *user, u32 value)
{
	return copy_to_user(user, &value, sizeof(value));
}

int put_user_u64(u64 *user, u64 value)
{
	return copy_to_user(user, &value, sizeof(value));
}

int get_user_u32_nofault(u32 *value, const u32 *user)
{
	struct thread *t = current_thread();
	size_t missing;

	if (!range_usable(user, sizeof(*user)))
		return -EFAULT;
	t->pagefaults_disabled++;
	missing = usercopy_raw_in(value, user, sizeof(*value));
	t->pagefaults_disabled--;
	return missing ? -EFAULT : 0;
}

int fault_in_user(u64 address, bool write)
{
	struct address_space *as = current_space();

	if (!as)
		return -EFAULT;
	return address_space_fault(as, address, write ? FAULT_WRITE : FAULT_READ) <= FAULT_SPURIOUS
		   ? 0
		   : -EFAULT;
}

void io_init_kernel(struct io_buffer *io, void *buf, size_t n)
{
	io_init_user(io, buf, n);
	io->kernel = true;
}

void io_init_iovec(struct io_buffer *io, const struct iovec *iov, u32 count)
{
	*io = (struct io_buffer){.iov = iov, .iov_count = count};
	for (u32 i = 0; i < count; i++)
		io->remaining += iov[i].length;
}

enum io_way { IO_PUT, IO_GET, IO_ZERO };

/* Copy one piece.  Returns the bytes that were not copied. */
static size_t io_piece(bool kernel, enum io_way way, u64 base, void *memory, size_t n)
{
	void *there = (void *)base;

	if (!kernel && !range_usable(there, n))
		return n;
	switch (way) {
	case IO_PUT:
		return kernel ? memcpy(there, memory, n), 0 : usercopy_raw_out(there, memory, n);
	case IO_GET:
		return kernel ? memcpy(memory, there, n), 0 : usercopy_raw_in(memory, there, n);
	default:
		return kernel ? memset(there, 0, n), 0 : usercopy_raw_clear(there, n);
	}
}

static ssize_t io_move(struct io_buffer *io, enum io_way way, void *memory, size_t n)
{
	size_t done = 0, missing = 0;

	if (!io->kernel)
		might_sleep();
	n = MIN(n, io->remaining);
	while (done < n && !missing) {
		const struct iovec *v = &io->iov[io->iov_index];
		size_t part = MIN(n - done, v->length - io->iov_offset);

		if (!part) {
			io->iov_index++;
			io->iov_offset = 0;
			continue;
		}
		missing = io_piece(io->kernel, way, v->base + io->iov_offset,
				   (char *)memory + (way == IO_ZERO ? 0 : done), part);
		io->iov_offset += part - missing;
		io->remaining -= part - missing;
		done += part - missing;
	}
	return missing && !done ? -EFAULT : (ssize_t)done;
}

ssize_t io_put(struct io_buffer *io, const void *src, size_t n)
{
	return io_move(io, IO_PUT, (void *)src, n);
}

ssize_t io_get(struct io_buffer *io, void *dst, size_t n)
{
	return io_move(io, IO_GET, dst, n);
}

ssize_t io_put_zeros(struct io_buffer *io, size_t n)
{
	return io_move(io, IO_ZERO, NULL, n);
}
