/* SPDX-License-Identifier: MIT
 *
 * Pseudo-terminals: pty(7), pts(4).  Opening /dev/ptmx makes a pair.  The slave, /dev/pts/N, is a
 * terminal like any other; its device is the program that has the master open.  What is written to
 * the slave can be read from the master, and what is written to the master is typed on the slave.
 *
 * The structures are never freed, only used again, because processes point to the terminal of their
 * session without a reference.  What is large, the bytes on their way, is freed with the last file.
 * TIOCPKT (packet mode) is not there.
 */
#include "kernel/dev/pty.h"
#include "kernel/dev/tty_file.h"
#include "kernel/dev/tty_ldisc.h"
#include "kernel/fs/file_table.h"
#include "kernel/fs/internal.h"
#include "kernel/fs/device.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/init.h"
#include "kernel/mem/slab.h"
#include "kernel/task/thread.h"

#define OUTPUT_SIZE	 8192 /* a power of two */
#define ECHO_PLACE	 1024 /* of OUTPUT_SIZE: what a write() to the slave leaves free for echo */
#define GROUP_TTY	 5    /* the group of terminals in /etc/group, for grantpt(3) */

#define DEVICE_PTMX	 MAKEDEV(5, 2)
#define DEVICE_PTS(n)	 MAKEDEV(136, n)
#define PTS_NUMBER(rdev) ((u32)(rdev)&0xff)

#define TIOCGPGRP	 0x540f
#define TIOCGSID	 0x5429
#define TIOCGPTPEER	 0x5441
#define TIOCSPTLCK	 0x40045431
#define TIOCSIG		 0x40045436
#define TIOCGPTN	 0x80045430
#define TIOCGPTLCK	 0x80045439

struct pty_bytes {
	struct tty_ring input;
	char output[OUTPUT_SIZE]; /* written to the slave, not read from the master yet */
};

struct pty {
	struct tty tty;		 /* the slave; its lock guards nothing below */
	struct mutex write_lock; /* one write() to the master at a time */
	struct spinlock lock;	 /* irq; taken with tty.lock held; guards all below */
	struct inode *inode;	 /* of /dev/pts/N, with a reference; NULL: the master is closed */
	u32 files;		 /* open files: the master, and those of the slave */
	u32 slaves;		 /* those of the slave */
	bool locked;		 /* TIOCSPTLCK: the slave cannot be opened */
	bool slave_closed;	 /* the slave was open, and is not any more */
	struct pty_bytes *bytes; /* NULL if files is 0; set under table_lock */
	u32 head, tail;		 /* of bytes->output; these only grow: bytes [tail, head) */
	struct wait_queue master_readers, master_writers;   /* in read() and write() */
	struct poll_queue master_readable, master_writable; /* poll() */
};

static struct lock_class pty_class = {"pty", 0}, table_class = {"pty table", 0};
static struct lock_class write_class = {"pty write", 0};
static struct mutex table_lock = MUTEX_INIT(table_lock, &table_class);
static struct pty *ptys[PTY_MAX]; /* under table_lock to change; an entry never changes again */
struct superblock *devpts;

static struct pty *pty_of(struct tty *tty)
{
	return container_of(tty, struct pty, tty);
}

/* --- The device of the slave ------------------------------------------------------------------ */

static void slave_output(struct tty *tty, const char *text, size_t length)
{
	struct pty *p = pty_of(tty);
	u64 flags = spin_lock_irq(&p->lock);

	for (size_t i = 0; i < length && p->head - p->tail < OUTPUT_SIZE; i++)
		p->bytes->output[p->head++ % OUTPUT_SIZE] = text[i];
	spin_unlock_irq(&p->lock, flags);
	wait_wake_one(&p->master_readers); /* which wakes the next if it leaves something */
	poll_queue_wake(&p->master_readable);
}

static s32 slave_room(struct tty *tty)
{
	struct pty *p = pty_of(tty);

	return OUTPUT_SIZE - ECHO_PLACE - (s32)(READ_ONCE(p->head) - READ_ONCE(p->tail));
}

/* What the master has not read counts as sent: tcdrain() of a program that has both ends must not
 * wait for itself. */
static u32 slave_queued(struct tty *tty)
{
	return 0;
}

static void slave_discard(struct tty *tty)
{
	struct pty *p = pty_of(tty);
	u64 flags = spin_lock_irq(&p->lock);

	p->tail = p->head;
	spin_unlock_irq(&p->lock, flags);
}

static void slave_input_taken(struct tty *tty)
{
	wait_wake_one(&pty_of(tty)->master_writers);
	poll_queue_wake(&pty_of(tty)->master_writable);
}

/* A descriptor with O_PATH keeps the inode of a closed pair, and must not open a later pair that
 * has the same number.  The inode of /dev/tty has a number of its own. */
static int slave_open(struct tty *tty, const struct inode *inode)
{
	struct pty *p = pty_of(tty);
	u64 flags = spin_lock_irq(&p->lock);
	bool is_other = inode->rdev == tty->rdev && inode != p->inode;
	int error = !p->inode || p->locked || is_other ? -EIO : 0;

	if (!error) {
		p->files++;
		p->slaves++;
		p->slave_closed = false;
	}
	spin_unlock_irq(&p->lock, flags);
	return error;
}

/* A file is closed.  Its thread does not use the pair's bytes afterwards: ptmx_open() may use a
 * structure without files again. */
static void file_closed(struct pty *p, bool is_slave)
{
	u64 flags = spin_lock_irq(&p->lock);
	struct pty_bytes *bytes = p->files == 1 ? p->bytes : NULL;

	if (is_slave)
		p->slave_closed = !--p->slaves;
	if (bytes) {
		p->bytes = NULL;
		tty_release(&p->tty);
	}
	__atomic_store_n(&p->files, p->files - 1, __ATOMIC_RELEASE);
	spin_unlock_irq(&p->lock, flags);
	kfree(bytes);
}

static void slave_close(struct tty *tty)
{
	struct pty *p = pty_of(tty);

	file_closed(p, true);
	wait_wake_all(&p->master_readers);
	wait_wake_all(&p->master_writers);
	wait_wake_all(&p->master_readable.queue); /* POLLHUP */
	wait_wake_all(&p->master_writable.queue);
}

static const struct tty_ops slave_device = {.output = slave_output,
					    .room = slave_room,
					    .queued = slave_queued,
					    .discard = slave_discard,
					    .input_taken = slave_input_taken,
					    .open = slave_open,
					    .close = slave_close};

/* The number of the inode is that of a pair that exists or has existed. */
static int pts_open(struct file *file)
{
	return tty_file_open(file, &ptys[PTS_NUMBER(file->inode->rdev)]->tty, true);
}

static const struct file_ops pts_ops = TTY_FILE_OPS(pts_open);

/* --- Reading and writing the master ----------------------------------------------------------- */

/* Move up to n bytes of output to `buf`.  Returns their number, -EAGAIN if there are none, or -EIO
 * if there are none and the slave is closed.  The caller holds p->lock. */
static ssize_t output_take(struct pty *p, u8 *buf, size_t n)
{
	size_t done = 0;

	while (done < n && p->tail != p->head)
		buf[done++] = (u8)p->bytes->output[p->tail++ % OUTPUT_SIZE];
	return done ? (ssize_t)done : p->slave_closed ? -EIO : -EAGAIN;
}

static ssize_t master_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pty *p = file->private;
	u8 buf[256];
	ssize_t n, done;
	u64 flags;

	if (!io->remaining)
		return 0;
	flags = spin_lock_irq(&p->lock);
	for (;;) {
		n = output_take(p, buf, MIN(io->remaining, sizeof(buf)));
		if (n != -EAGAIN || file->flags & O_NONBLOCK)
			break;
		if (wait_sleep_irq(&p->master_readers, &p->lock, WAIT_FOREVER, WAIT_SIGNALS)) {
			n = -ERESTARTSYS;
			break;
		}
	}
	spin_unlock_irq(&p->lock, flags);
	if (n <= 0)
		return n;
	done = 0;
	while (n > 0) {
		ssize_t moved = io_put(io, buf, (size_t)n);

		if (moved <= 0) {
			done = done ?: moved;
			break;
		}
		done += moved;
		if (moved < n || !io->remaining)
			break;
		flags = spin_lock_irq(&p->lock);
		n = output_take(p, buf, MIN(io->remaining, sizeof(buf)));
		spin_unlock_irq(&p->lock, flags);
	}
	if (READ_ONCE(p->head) != READ_ONCE(p->tail))
		wait_wake_one(&p->master_readers);
	tty_notify(&p->tty);
	return done;
}

/* Can the slave take a typed byte?  An edited line that fills the ring loses bytes, as on other
 * terminals, because no reader can ever take it.  The caller holds tty->lock. */
static bool slave_takes_input(const struct tty *tty)
{
	return tty->input_head - tty->input_tail < TTY_INPUT_SIZE - 1 ||
	       (tty->termios.c_lflag & ICANON && !tty->lines);
}

/* Sleep until the slave takes a byte.  0, -EAGAIN or -ERESTARTSYS. */
static int wait_for_slave(struct tty *tty, bool nonblock)
{
	u64 flags = spin_lock_irq(&tty->lock);
	int error = 0;

	while (!error && !slave_takes_input(tty))
		error = nonblock ? -EAGAIN
				 : wait_sleep_irq(&pty_of(tty)->master_writers, &tty->lock,
						  WAIT_FOREVER, WAIT_SIGNALS);
	spin_unlock_irq(&tty->lock, flags);
	return error == -EINTR ? -ERESTARTSYS : error;
}

/* Type what is in `io`.  The number of bytes, or the error before the first. */
static ssize_t type(struct pty *p, struct io_buffer *io, bool nonblock)
{
	ssize_t done = 0;
	char buf[64];

	while (io->remaining) {
		ssize_t n = io_get(io, buf, MIN(io->remaining, sizeof(buf)));

		if (n <= 0)
			return done ? done : n;
		for (ssize_t i = 0; i < n; i++) {
			int error = wait_for_slave(&p->tty, nonblock);

			if (error)
				return done ? done : error;
			tty_input(&p->tty, &buf[i], 1);
			done++;
		}
	}
	return done;
}

/* One write() at a time: between wait_for_slave() and tty_input() no other thread types a byte. */
static ssize_t master_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pty *p = file->private;
	bool nonblock = file->flags & O_NONBLOCK;
	ssize_t done;

	if (nonblock && !mutex_trylock(&p->write_lock))
		return -EAGAIN;
	if (!nonblock && mutex_lock_interruptible(&p->write_lock))
		return -ERESTARTSYS;
	done = type(p, io, nonblock);
	mutex_unlock(&p->write_lock);
	return done;
}

static u32 master_poll(struct file *file, struct poll_table *table)
{
	struct pty *p = file->private;
	u32 bits = 0;
	u64 flags;

	poll_queue_wait_for(table, &p->master_readable, POLL_READ_BITS);
	poll_queue_wait_for(table, &p->master_writable, POLL_WRITE_BITS);
	flags = spin_lock_irq(&p->tty.lock);
	if (slave_takes_input(&p->tty))
		bits |= POLLOUT | POLLWRNORM;
	spin_unlock_irq(&p->tty.lock, flags);
	flags = spin_lock_irq(&p->lock);
	if (p->head != p->tail)
		bits |= POLLIN | POLLRDNORM;
	if (p->slave_closed)
		bits |= POLLHUP;
	spin_unlock_irq(&p->lock, flags);
	return bits;
}

/* --- Control ---------------------------------------------------------------------------------- */

static long set_lock(struct pty *p, const void *user)
{
	u32 on;

	if (get_user_u32(&on, user))
		return -EFAULT;
	WRITE_ONCE(p->locked, on != 0);
	return 0;
}

/* Open the slave, and return a descriptor of it. */
static long open_peer(struct pty *p, u64 flags)
{
	char path[16];
	struct file *f;

	snprintf(path, sizeof(path), "/dev/pts/%u", PTS_NUMBER(p->tty.rdev));
	f = vfs_open(NULL, path, (u32)flags, 0);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install(f, 0, flags & O_CLOEXEC);
}

/* TIOCSIG asks for no permission, so it sends only what a typed character can send. */
static long send_signal(struct pty *p, int signal)
{
	if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP)
		return -EINVAL;
	tty_signal_foreground(&p->tty, signal);
	return 0;
}

static long master_ioctl(struct file *file, u32 request, u64 argument)
{
	struct pty *p = file->private;
	void *user = (void *)argument;

	switch (request) {
	case TIOCGPTN:
		return put_user_u32(user, PTS_NUMBER(p->tty.rdev));
	case TIOCSPTLCK:
		return set_lock(p, user);
	case TIOCGPTLCK:
		return put_user_u32(user, READ_ONCE(p->locked));
	case TIOCGPTPEER:
		return open_peer(p, argument);
	case TIOCSIG:
		return send_signal(p, (int)argument);
	case TIOCGPGRP: /* of the slave; any caller may ask */
		return put_user_u32(user, (u32)READ_ONCE(p->tty.foreground));
	case TIOCGSID:
		return READ_ONCE(p->tty.session) ? put_user_u32(user, (u32)p->tty.session)
						 : -ENOTTY;
	case FIONREAD:
		return put_user_u32(user, READ_ONCE(p->head) - READ_ONCE(p->tail));
	}
	return tty_ioctl(&p->tty, request, argument);
}

/* --- Making and closing a pair ---------------------------------------------------------------- */

/* Find a structure that nothing uses, or make one.  ERR_PTR(-ENOSPC, -ENOMEM).  The caller holds
 * table_lock. */
static struct pty *pty_find_free(void)
{
	for (u32 n = 0; n < PTY_MAX; n++) {
		if (ptys[n] && __atomic_load_n(&ptys[n]->files, __ATOMIC_ACQUIRE))
			continue;
		if (!ptys[n]) {
			struct pty *p = kzalloc(sizeof(*p));

			if (!p)
				return ERR_PTR(-ENOMEM);
			spinlock_init(&p->lock, &pty_class);
			mutex_init(&p->write_lock, &write_class);
			wait_queue_init(&p->master_readers, "pty output");
			wait_queue_init(&p->master_writers, "pty input");
			poll_queue_init(&p->master_readable, "pty output");
			poll_queue_init(&p->master_writable, "pty input");
			p->master_readable.one = p->master_writable.one = true;
			p->tty.rdev = DEVICE_PTS(n);
			ptys[n] = p;
		}
		return ptys[n];
	}
	return ERR_PTR(-ENOSPC);
}

static struct inode *pts_inode(u64 rdev)
{
	struct inode *inode = inode_create(devpts, S_IFCHR | 0620, NULL, &pts_ops);

	if (IS_ERR(inode))
		return inode;
	inode->rdev = rdev;
	inode->ino = PTS_NUMBER(rdev) + 3; /* as Linux numbers them */
	inode->uid = current_thread()->credentials.fsuid;
	inode->gid = GROUP_TTY;
	return inode;
}

static int ptmx_open(struct file *file)
{
	struct pty_bytes *bytes = kmalloc(sizeof(*bytes)); /* tty_init() clears its half */
	struct inode *inode;
	struct pty *p;

	mutex_lock(&table_lock);
	p = bytes ? pty_find_free() : ERR_PTR(-ENOMEM);
	inode = IS_ERR(p) ? (struct inode *)p : pts_inode(p->tty.rdev);
	if (IS_ERR(inode)) {
		mutex_unlock(&table_lock);
		kfree(bytes);
		return PTR_ERR(inode);
	}
	p->bytes = bytes;
	tty_init(&p->tty, "pts", p->tty.rdev, &slave_device, &bytes->input);
	p->head = p->tail = 0;
	p->slaves = 0;
	p->slave_closed = false;
	p->locked = true;
	p->files = 1;
	__atomic_store_n(&p->inode, inode, __ATOMIC_RELEASE); /* last: slave_open() reads it */
	mutex_unlock(&table_lock);
	file->private = p;
	return 0;
}

static void master_release(struct file *file)
{
	struct pty *p = file->private;
	u64 flags = spin_lock_irq(&p->lock);
	struct inode *inode = p->inode;

	p->inode = NULL; /* the name is gone */
	spin_unlock_irq(&p->lock, flags);
	inode_put(inode);
	tty_hangup(&p->tty);
	file_closed(p, false);
}

static const struct file_ops ptmx_ops = {
    .open = ptmx_open,
    .release = master_release,
    .read = master_read,
    .write = master_write,
    .stream = true,
    .ioctl = master_ioctl,
    .poll = master_poll,
};

DEVICES(10, ptmx) = {{DEVICE_PTMX, "/dev/ptmx", 0666, &ptmx_ops}};

struct inode *pty_inode_get(u64 n)
{
	struct pty *p = n < PTY_MAX ? READ_ONCE(ptys[n]) : NULL;
	struct inode *inode;
	u64 flags;

	if (!p)
		return NULL;
	flags = spin_lock_irq(&p->lock);
	inode = p->inode;
	if (inode)
		inode_get(inode);
	spin_unlock_irq(&p->lock, flags);
	return inode;
}
