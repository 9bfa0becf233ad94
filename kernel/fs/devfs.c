/* SPDX-License-Identifier: MIT
 *
 * Device nodes: this finds the driver of a device number, and serves the devices that need no
 * hardware (null(4), full(4), random(4)).
 */
#include "arch/x86_64/pc/random.h"
#include "kernel/fs/device.h"
#include "kernel/fs/internal.h"
#include "kernel/lib/errno.h"
#include "kernel/task/thread.h"

/* --- Devices without hardware ----------------------------------------------------------------- */

static ssize_t null_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return 0;
}

static ssize_t null_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return (ssize_t)io->remaining;
}

static const struct file_ops random_ops;

/* Random bytes or zeros.  A signal ends a long read after one of its pieces (random(7)). */
static ssize_t fill_read(struct file *file, struct io_buffer *io, u64 *position)
{
	ssize_t done = 0, n = 1;
	u8 bytes[256];

	while (io->remaining && n > 0 && !(done && thread_interrupted(WAIT_SIGNALS))) {
		if (file->ops == &random_ops) {
			random_bytes(bytes, sizeof(bytes));
			n = io_put(io, bytes, MIN(sizeof(bytes), io->remaining));
		} else {
			n = io_put_zeros(io, MIN(PAGE_SIZE, io->remaining));
		}
		done += MAX(n, 0);
	}
	return done ? done : MIN(n, 0);
}

/* Each mapping of /dev/zero is a new object of zeros.  Programs used this before MAP_ANONYMOUS
 * existed (mmap(2)). */
static struct vm_object *zero_map(struct file *file, u64 offset, u64 length, u32 prot, u32 flags)
{
	u64 size;

	if (__builtin_add_overflow(offset, length, &size))
		return ERR_PTR(-EOVERFLOW);
	return vm_object_create(size, PAGE_OBJECT);
}

static ssize_t full_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return io->remaining ? -ENOSPC : 0;
}

static const struct file_ops null_ops = {.read = null_read, .write = null_write};
static const struct file_ops zero_ops = {.read = fill_read, .write = null_write, .map = zero_map};
static const struct file_ops full_ops = {.read = fill_read, .write = full_write};
static const struct file_ops random_ops = {.read = fill_read, .write = null_write};

DEVICES(50, devices) = {
    {MAKEDEV(1, 3), "/dev/null", 0666, &null_ops},
    {MAKEDEV(1, 5), "/dev/zero", 0666, &zero_ops},
    {MAKEDEV(1, 7), "/dev/full", 0666, &full_ops},
    {MAKEDEV(1, 8), "/dev/random", 0666, &random_ops},
    {MAKEDEV(1, 9), "/dev/urandom", 0666, &random_ops},
};

static const struct device *device_find(u64 rdev)
{
	linker_set_for_each(d, devices)
		if (d->rdev == rdev)
			return d;
	return NULL;
}

const struct file_ops *device_ops(u64 rdev)
{
	const struct device *d = device_find(rdev);

	return d ? d->ops : NULL;
}

void devfs_init(void)
{
	linker_set_for_each(d, devices)
		if (d->path && device_find(d->rdev) == d)
			require(!vfs_create(NULL, d->path, S_IFCHR | d->permissions, d->rdev));
}
