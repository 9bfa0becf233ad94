/* SPDX-License-Identifier: MIT
 *
 * Device nodes: drivers by number, /dev filled with them, and the devices that need no hardware
 * (null(4), full(4), random(4)); the terminal.
 */
#include "kernel/fs/internal.h"

#include "kernel/dev/random.h"
#include "kernel/dev/tty.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/log.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"

#define DEVICE_CONSOLE MAKEDEV(5, 1)
#define DEVICE_TTY0    MAKEDEV(4, 0)
#define DEVICE_TTY     MAKEDEV(5, 0)

struct device {
	u64 rdev;
	const char *name;
	const struct file_ops *ops;
	struct list link;
};

DEFINE_SPINLOCK(devices_lock); /* guards the list; devices are never removed */
static struct list devices = LIST_INIT(devices);
static const struct file_ops *fifo;

void vfs_set_fifo_ops(const struct file_ops *ops)
{
	fifo = ops;
}

const struct file_ops *fifo_ops(void)
{
	return fifo;
}

/* The device with that number, or (rdev 0) the one after `after`; NULL where there is none. */
static struct device *device_find(u64 rdev, struct device *after)
{
	struct list *at = after ? &after->link : &devices;
	struct device *found = NULL;

	spin_lock(&devices_lock);
	while (!found && (at = at->next) != &devices) {
		struct device *d = list_entry(at, struct device, link);

		if (!rdev || d->rdev == rdev)
			found = d;
	}
	spin_unlock(&devices_lock);
	return found;
}

const struct file_ops *device_ops(u64 rdev)
{
	struct device *d = rdev ? device_find(rdev, NULL) : NULL;

	return d ? d->ops : NULL;
}

static u32 node_mode(const struct device *d)
{
	return S_IFCHR | (d->rdev == DEVICE_CONSOLE ? 0600 : 0666);
}

int device_register(u32 major, u32 minor, const char *name, const struct file_ops *ops)
{
	u64 rdev = MAKEDEV(major, minor);
	struct device *d;
	struct inode *dev;
	int error;

	if (device_ops(rdev))
		return -EEXIST;
	d = kzalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct device){.rdev = rdev, .name = name, .ops = ops};
	spin_lock(&devices_lock);
	list_push_back(&devices, &d->link);
	spin_unlock(&devices_lock);
	/* A /dev that is mounted already gets its node now; a later one is filled as it is mounted.
	 */
	dev = vfs_lookup(NULL, "/dev", 0);
	if (IS_ERR(dev))
		return 0;
	error = vfs_create(dev, name, node_mode(d), rdev);
	inode_put(dev);
	return error == -EEXIST ? 0 : error;
}

static int add_node(struct inode *dir, const char *name, u32 mode, u64 rdev, const char *target)
{
	struct inode *inode;

	mutex_lock(&dir->lock);
	inode = vfs_make(dir, name, strlen(name), mode, rdev, target);
	mutex_unlock(&dir->lock);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode_put(inode);
	return 0;
}

struct superblock *devfs_mount(void)
{
	static const char *const links[][2] = {{"fd", "/proc/self/fd"},
					       {"stdin", "/proc/self/fd/0"},
					       {"stdout", "/proc/self/fd/1"},
					       {"stderr", "/proc/self/fd/2"}};
	struct superblock *sb = ramfs_mount();
	struct device *d = NULL;
	int error = 0;

	if (IS_ERR(sb))
		return sb;
	sb->type = "devtmpfs";
	while (!error && (d = device_find(0, d)))
		error = add_node(sb->root, d->name, node_mode(d), d->rdev, NULL);
	for (size_t i = 0; !error && i < ARRAY_SIZE(links); i++)
		error = add_node(sb->root, links[i][0], S_IFLNK | 0777, 0, links[i][1]);
	if (!error)
		return sb;
	sb->evict(sb);
	inode_put(sb->root);
	superblock_put(sb);
	return ERR_PTR(error);
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
	return vm_object_create(size);
}

static ssize_t full_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return io->remaining ? -ENOSPC : 0;
}

static ssize_t random_read(struct file *file, struct io_buffer *io, u64 *position)
{
	ssize_t done = 0, n = 0;
	u8 bytes[256];

	while (io->remaining) {
		size_t chunk = MIN(sizeof(bytes), io->remaining);

		random_bytes(bytes, chunk);
		n = io_put(io, bytes, chunk);
		if (n <= 0)
			break;
		done += n;
		if ((size_t)n < chunk)
			break;
	}
	return done ? done : n;
}

static ssize_t random_write(struct file *file, struct io_buffer *io, u64 *position)
{
	ssize_t done = 0, n = 0;
	u64 word;

	while (io->remaining) {
		word = 0;
		n = io_get(io, &word, MIN(sizeof(word), io->remaining));
		if (n <= 0)
			break;
		random_add(word);
		done += n;
	}
	return done ? done : n;
}

/* One line of the log for each write. */
static ssize_t kmsg_write(struct file *file, struct io_buffer *io, u64 *position)
{
	size_t all = io->remaining;
	char line[512], *text = line;
	ssize_t n;

	n = io_get(io, line, MIN(sizeof(line) - 1, all));
	if (n < 0)
		return n;
	if (n && line[n - 1] == '\n')
		n--;
	line[n] = '\0';
	if (*text == '<' && strchr(text, '>')) /* "<6>": the priority */
		text = strchr(text, '>') + 1;
	log_info("%s", text);
	return (ssize_t)all;
}

/* --- The terminal ----------------------------------------------------------------------------- */

/* A session's leader without a terminal gets the one that it opens; not by the names that stand for
 * another terminal.  /dev/tty is there for those who have one (tty(4)). */
static int terminal_open(struct file *file)
{
	u64 rdev = file->inode->rdev;

	if (rdev == DEVICE_TTY)
		return tty_process_hooks && !tty_process_hooks->current_tty() ? -ENXIO : 0;
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

static s64 terminal_seek(struct file *file, s64 offset, int whence)
{
	return -ESPIPE;
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
static const struct file_ops random_ops = {.read = random_read, .write = random_write};
static const struct file_ops kmsg_ops = {.write = kmsg_write};
static const struct file_ops terminal_ops = {
    .open = terminal_open,
    .read = terminal_read,
    .write = terminal_write,
    .seek = terminal_seek,
    .ioctl = terminal_ioctl,
    .poll = terminal_poll,
};

void devfs_init(void)
{
	static const struct {
		u32 major, minor;
		const char *name;
		const struct file_ops *ops;
	} all[] = {
	    {1, 3, "null", &null_ops},	      {1, 5, "zero", &zero_ops},
	    {1, 7, "full", &full_ops},	      {1, 8, "random", &random_ops},
	    {1, 9, "urandom", &random_ops},   {1, 11, "kmsg", &kmsg_ops},
	    {4, 0, "tty0", &terminal_ops},    {4, 1, "tty1", &terminal_ops},
	    {4, 64, "ttyS0", &terminal_ops},  {5, 0, "tty", &terminal_ops},
	    {5, 1, "console", &terminal_ops},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		require(!device_register(all[i].major, all[i].minor, all[i].name, all[i].ops));
}
