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

int get_user_u32_nofault(u32 *value, const u32 *user)
{
	struct thread *t = current_thread();
	int error = -EFAULT;

	if (!user_range_ok((u64)user, sizeof(*user)) || !t->pmap)
		return error;
	t->pagefaults_disabled++;
	/* As in usercopy.S, but inline: a wait for a futex begins with this.  One access, so that another
	 * CPU's store is seen wholly or not at all.  A fault skips XOR. */
	__asm__ volatile("cmpb $0, %3\n\tje 1f\n\tstac\n"
			 "1:\tmovl %2, %1\n\txorl %0, %0\n"
			 "2:\tcmpb $0, %3\n\tje 3f\n\tclac\n"
			 "3:\t.pushsection __ex_table, \"a\"\n\t.quad 1b, 2b\n\t.popsection"
			 : "+&r"(error), "=&r"(*value)
			 : "m"(*user), "m"(smap_enabled) : "memory", "cc");
	t->pagefaults_disabled--;
	return error;
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

enum io_way { IO_PUT, IO_GET, IO_ZERO };

/* Copy `n` bytes that are in several buffers. */
static __noinline ssize_t io_move_pieces(struct io_buffer *io, enum io_way way, char *memory,
					 size_t n)
{
	size_t done = 0;
	ssize_t got = 0;

	while (done < n) {
		size_t part = MIN(n - done, io->piece.length);

		if (!part) {
			io->piece = *io->next++;
			continue;
		}
		got = way == IO_PUT   ? io_put(io, memory + done, part)
		      : way == IO_GET ? io_get(io, memory + done, part)
				      : io_put_zeros(io, part);
		if (got > 0)
			done += (size_t)got;
		if (got < (ssize_t)part)
			break;
	}
	return done ? (ssize_t)done : got;
}

/* Nearly every system call on a file comes here, with one buffer: inline, so that each way has code
 * of its own.  The instructions for user memory copy kernel memory as well; a fault there is a
 * panic as everywhere. */
static __always_inline ssize_t io_move(struct io_buffer *io, enum io_way way, void *memory,
				       size_t n)
{
	void *there = (void *)io->piece.base;
	size_t missing;

	if (!io->kernel)
		might_sleep();
	n = MIN(n, io->remaining);
	if (unlikely(n > io->piece.length))
		return io_move_pieces(io, way, memory, n);
	assert(io->kernel || range_usable(there, n));
	missing = way == IO_PUT	  ? usercopy_raw_out(there, memory, n)
		  : way == IO_GET ? usercopy_raw_in(memory, there, n)
				  : usercopy_raw_clear(there, n);
	io->piece.base += n - missing;
	io->piece.length -= n - missing;
	io->remaining -= n - missing;
	return missing && missing == n ? -EFAULT : (ssize_t)(n - missing);
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
