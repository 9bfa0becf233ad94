/* SPDX-License-Identifier: MIT
 *
 * Copying between kernel and user memory: the only way to access user memory.  A bad pointer gives
 * -EFAULT, never a fault of the kernel.  All functions may sleep, since a page may have to be made
 * present, unless they say otherwise.
 */
#pragma once

#include "arch/x86_64/cpu/layout.h"
#include "kernel/lib/base.h"

/* Is [address, address + n) inside the user half? */
static inline bool user_range_ok(u64 address, size_t n)
{
	return n <= USER_MAX && address <= USER_MAX - n;
}

/* 0 or -EFAULT. */
int __must_check copy_from_user(void *dst, const void *user_src, size_t n);
int __must_check copy_to_user(void *user_dst, const void *src, size_t n);

/* Returns the length without the NUL; -EFAULT; -ENAMETOOLONG if there is no NUL in `size` bytes. */
ssize_t __must_check copy_string_from_user(char *dst, const char *user_src, size_t size);

static inline int __must_check get_user_u32(u32 *value, const u32 *user)
{
	return copy_from_user(value, user, sizeof(*value));
}

static inline int __must_check get_user_u64(u64 *value, const u64 *user)
{
	return copy_from_user(value, user, sizeof(*value));
}

static inline int __must_check put_user_u32(u32 *user, u32 value)
{
	return copy_to_user(user, &value, sizeof(value));
}

static inline int __must_check put_user_u64(u64 *user, u64 value)
{
	return copy_to_user(user, &value, sizeof(value));
}

/* For callers that hold a spinlock: a page that is not present with the needed rights gives -EFAULT
 * instead of a page fault.  The caller then releases its lock, calls fault_in_user(), and tries
 * again. */
int __must_check get_user_u32_nofault(u32 *value, const u32 *user);
int __must_check fault_in_user(u64 address, bool write);

/* --- One place to read from or write to, user or kernel memory, in pieces --------------------- */

struct iovec {
	u64 base; /* as Linux's struct iovec */
	u64 length;
};

#define IOV_MAX 1024

/* A cursor over the buffers of a read() or write(): every file operation takes one. */
struct io_buffer {
	bool kernel;		  /* the addresses are kernel pointers */
	struct iovec piece;	  /* what is left of the present buffer */
	const struct iovec *next; /* the buffer after it, in a kernel copy of the vector */
	size_t remaining;	  /* bytes left in all of it */
};

/* The caller has checked the range (user_range_ok()). */
static inline void io_init_user(struct io_buffer *io, void *user_buf, size_t n)
{
	*io = (struct io_buffer){.piece = {(u64)user_buf, n}, .remaining = n};
}

static inline void io_init_kernel(struct io_buffer *io, void *buf, size_t n)
{
	io_init_user(io, buf, n);
	io->kernel = true;
}

/* Copy up to `n` bytes from kernel memory into the buffers (put) or out of them (get), and advance.
 * Returns the bytes copied, fewer if the buffers end or a page is bad, or -EFAULT if none could be
 * copied. */
ssize_t io_put(struct io_buffer *io, const void *src, size_t n);
ssize_t io_get(struct io_buffer *io, void *dst, size_t n);
ssize_t io_put_zeros(struct io_buffer *io, size_t n);
