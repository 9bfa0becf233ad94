/* SPDX-License-Identifier: MIT
 *
 * Device nodes: drivers by number, and those of the devices that need no hardware
 * (null(4), full(4), random(4)); the terminal.
 */
#include "kernel/fs/internal.h"

#include "arch/x86_64/pc/random.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/errno.h"
#include "kernel/task/process.h"

#define DEVICE_CONSOLE MAKEDEV(5, 1)
#define DEVICE_TTY0    MAKEDEV(4, 0)
#define DEVICE_TTY     MAKEDEV(5, 0)

static const struct file_ops *fifo;

void vfs_set_fifo_ops(const struct file_ops *ops)
{
	fifo = ops;
}

const struct file_ops *fifo_ops(void)
{
	return fifo;
}

/* --- Devices without hardware ----------------------------------------------------------------- */

static ssize_t null_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return 0;
}

static ssize_t null_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return (ssize_t)io->remaining;
}

static ssize_t zero_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return io->remaining ? io_put_zeros(io, io->remaining) : 0;
}

/* A mapping of /dev/zero is memory of its own (mmap(2) before MAP_ANONYMOUS was). */
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

static ssize_t random_read(struct file *file, struct io_buffer *io, u64 *position)
{
	ssize_t done = 0, n = 1;
	u8 bytes[256];

	while (io->remaining && n > 0) {
		random_bytes(bytes, sizeof(bytes));
		n = io_put(io, bytes, MIN(sizeof(bytes), io->remaining));
		done += MAX(n, 0);
	}
	return done ? done : MIN(n, 0);
}

/* --- The terminal ----------------------------------------------------------------------------- */

/* A session's leader without a terminal gets the one that it opens; not by the names that stand for
 * another terminal.  /dev/tty is there for those who have one (tty(4)). */
static int terminal_open(struct file *file)
{
	u64 rdev = file->inode->rdev;

	if (rdev == DEVICE_TTY)
		return !READ_ONCE(current_process()->tty) ? -ENXIO : 0;
	if (!(file->flags & O_NOCTTY) && rdev != DEVICE_CONSOLE && rdev != DEVICE_TTY0)
		tty_open(&console_tty);
	return 0;
}

static ssize_t terminal_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return tty_read(&console_tty, io, file->flags & O_NONBLOCK);
}

static ssize_t terminal_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return tty_write(&console_tty, io, file->flags & O_NONBLOCK);
}

static long terminal_ioctl(struct file *file, u32 request, u64 argument)
{
	return tty_ioctl(&console_tty, request, argument);
}

static u32 terminal_poll(struct file *file, struct poll_table *table)
{
	poll_wait(table, &console_tty.readers);
	poll_wait(table, &console_tty.writers);
	return tty_poll_bits(&console_tty);
}

static const struct file_ops null_ops = {.read = null_read, .write = null_write};
static const struct file_ops zero_ops = {.read = zero_read, .write = null_write, .map = zero_map};
static const struct file_ops full_ops = {.read = zero_read, .write = full_write};
static const struct file_ops random_ops = {.read = random_read, .write = null_write};
static const struct file_ops terminal_ops = {
    .open = terminal_open,
    .read = terminal_read,
    .write = terminal_write,
    .stream = true,
    .ioctl = terminal_ioctl,
    .poll = terminal_poll,
};

static const struct {
	u64 rdev;
	const char *path;
	const struct file_ops *ops;
} devices[] = {
    {MAKEDEV(1, 3), "/dev/null", &null_ops},	  {MAKEDEV(1, 5), "/dev/zero", &zero_ops},
    {MAKEDEV(1, 7), "/dev/full", &full_ops},	  {MAKEDEV(1, 8), "/dev/random", &random_ops},
    {MAKEDEV(1, 9), "/dev/urandom", &random_ops}, {DEVICE_TTY0, "/dev/tty0", &terminal_ops},
    {MAKEDEV(4, 1), "/dev/tty1", &terminal_ops},  {MAKEDEV(4, 64), "/dev/ttyS0", &terminal_ops},
    {DEVICE_TTY, "/dev/tty", &terminal_ops},	  {DEVICE_CONSOLE, "/dev/console", &terminal_ops},
};

const struct file_ops *device_ops(u64 rdev)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].rdev == rdev)
			return devices[i].ops;
	return NULL;
}

void devfs_init(void)
{
	static const char *const links[][2] = {{"/dev/fd", "/proc/self/fd"},
					       {"/dev/stdin", "/proc/self/fd/0"},
					       {"/dev/stdout", "/proc/self/fd/1"},
					       {"/dev/stderr", "/proc/self/fd/2"}};

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		u32 mode = S_IFCHR | (devices[i].rdev == DEVICE_CONSOLE ? 0600 : 0666);

		require(!vfs_create(NULL, devices[i].path, mode, devices[i].rdev));
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		require(!vfs_symlink(NULL, links[i][0], links[i][1]));
}
