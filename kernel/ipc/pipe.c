/* SPDX-License-Identifier: MIT
 *
 * Pipes and FIFOs: a ring of pages.  `lock`, which may sleep, is held while bytes are copied;
 * `guard` covers what sleepers look at, so that no wake-up is lost between the look and the sleep.
 */
#include "kernel/ipc/pipe.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"

#define FIONREAD 0x541b

/* One page of data, or less; in packet mode (O_DIRECT) one packet. */
struct pipe_slot {
	struct page *page;
	u16 offset, length;
	bool packet;
};

struct pipe {
	struct mutex lock; /* guards everything; what `guard` covers is changed under both */
	struct pipe_slot *slots;
	struct page *spare; /* the page emptied last */
	u32 files;	    /* open files on it; of a FIFO under inode->lock */

	struct spinlock guard;
	u32 count;			/* slots, a power of two */
	u32 head, tail;			/* slots [tail, head) hold data, counted without end */
	u32 readers, writers;		/* open ends */
	u32 reader_opens, writer_opens; /* how often an end was opened */
	struct wait_queue readable, writable, opened;
};

static struct lock_class pipe_lock_class = {"pipe", 0};
static struct lock_class pipe_guard_class = {"pipe_guard", 0};
static const struct file_ops pipe_ops;

static struct pipe *pipe_new(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->count = PIPE_SIZE_DEFAULT / PAGE_SIZE;
	p->slots = kzalloc(p->count * sizeof(*p->slots));
	if (!p->slots) {
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock, &pipe_lock_class);
	spinlock_init(&p->guard, &pipe_guard_class);
	wait_queue_init(&p->readable, "pipe_read");
	wait_queue_init(&p->writable, "pipe_write");
	wait_queue_init(&p->opened, "fifo_open");
	return p;
}

static void pipe_free(struct pipe *p)
{
	for (; p->tail != p->head; p->tail++)
		page_put(p->slots[p->tail & (p->count - 1)].page);
	if (p->spare)
		page_put(p->spare);
	kfree(p->slots);
	kfree(p);
}

static bool pipe_empty(const struct pipe *p)
{
	return READ_ONCE(p->head) == READ_ONCE(p->tail);
}

static bool pipe_full(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->count);
}

static struct pipe_slot *pipe_slot_at(struct pipe *p, u32 index)
{
	return &p->slots[index & (p->count - 1)];
}

static bool read_may_go_on(const struct pipe *p)
{
	return !pipe_empty(p) || !p->writers;
}

/* Whoever waits to write needs more than the last page has left, so a free slot is what helps. */
static bool write_may_go_on(const struct pipe *p)
{
	return !pipe_full(p) || !p->readers;
}

/* Sleep, without `lock`, until `ready` holds or somebody woke us for another look. */
static int pipe_sleep(struct pipe *p, struct wait_queue *q, bool (*ready)(const struct pipe *p))
{
	int error = 0;

	mutex_unlock(&p->lock);
	spin_lock(&p->guard);
	if (!ready(p))
		error = wait_sleep(q, &p->guard, WAIT_FOREVER, WAIT_SIGNALS);
	spin_unlock(&p->guard);
	mutex_lock(&p->lock);
	return error ? -ERESTARTSYS : 0;
}

static void pipe_move_tail(struct pipe *p)
{
	struct pipe_slot *s = pipe_slot_at(p, p->tail);

	if (p->spare)
		page_put(s->page);
	else
		p->spare = s->page;
	spin_lock(&p->guard);
	WRITE_ONCE(p->tail, p->tail + 1);
	spin_unlock(&p->guard);
}

/* Take from the first slot.  True in *stop: that was a whole packet, or a bad address. */
static ssize_t pipe_take(struct pipe *p, struct io_buffer *io, bool *stop)
{
	struct pipe_slot *s = pipe_slot_at(p, p->tail);
	size_t want = MIN((size_t)s->length, io->remaining);
	ssize_t got = io_put(io, (char *)page_to_virt(s->page) + s->offset, want);

	*stop = got < (ssize_t)want || s->packet;
	if (got < 0)
		return got;
	s->offset += got;
	s->length -= got;
	/* pipe(7): what does not fit of a packet is lost. */
	if (!s->length || s->packet)
		pipe_move_tail(p);
	return got;
}

static ssize_t pipe_read(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *p = file->private;
	ssize_t done = 0;
	bool was_full = false, stop = false;

	if (!io->remaining)
		return 0;
	mutex_lock(&p->lock);
	for (;;) {
		while (!stop && io->remaining && !pipe_empty(p)) {
			bool full = pipe_full(p);
			ssize_t got = pipe_take(p, io, &stop);

			if (got < 0) {
				done = done ? done : got;
				break;
			}
			done += got;
			was_full |= full && !pipe_full(p);
		}
		if (done || stop || !p->writers)
			break;
		if (READ_ONCE(file->flags) & O_NONBLOCK) {
			done = -EAGAIN;
			break;
		}
		done = pipe_sleep(p, &p->readable, read_may_go_on);
		if (done)
			break;
	}
	mutex_unlock(&p->lock);
	if (was_full)
		wait_wake_all(&p->writable);
	return done;
}

/* Bytes that the last slot can still take from a writer. */
static size_t pipe_last_room(struct pipe *p, bool packet)
{
	struct pipe_slot *s = pipe_slot_at(p, p->head - 1);

	if (packet || pipe_empty(p) || s->packet)
		return 0;
	return PAGE_SIZE - s->offset - s->length;
}

/* Move one piece in, behind what is there or into a new slot. */
static ssize_t pipe_append(struct pipe *p, struct io_buffer *io, bool packet)
{
	size_t room = pipe_last_room(p, packet);
	struct pipe_slot *s = pipe_slot_at(p, p->head - 1);
	struct page *page;
	ssize_t got;

	if (room) {
		got = io_get(io, (char *)page_to_virt(s->page) + s->offset + s->length,
			     MIN(room, io->remaining));
		if (got > 0)
			s->length += got;
		return got;
	}
	page = p->spare ? p->spare : page_alloc(0, PAGE_PIPE);
	if (!page)
		return -ENOMEM;
	p->spare = page;
	got = io_get(io, page_to_virt(page), MIN(PAGE_SIZE, io->remaining));
	if (got <= 0)
		return got;
	p->spare = NULL;
	*pipe_slot_at(p, p->head) = (struct pipe_slot){page, 0, (u16)got, packet};
	spin_lock(&p->guard);
	WRITE_ONCE(p->head, p->head + 1);
	spin_unlock(&p->guard);
	return got;
}

/* POSIX write(): at most PIPE_BUF bytes go in whole or not at all, and wait (or -EAGAIN) until they
 * can; more go in pieces. */
static ssize_t pipe_write(struct file *file, struct io_buffer *io, u64 *position)
{
	struct pipe *p = file->private;
	size_t total = io->remaining;
	bool packet = READ_ONCE(file->flags) & O_DIRECT, was_empty = false;
	ssize_t done = 0, got = 0;

	if (!total)
		return 0;
	mutex_lock(&p->lock);
	while (io->remaining) {
		size_t need = !done && total <= PIPE_BUF ? total : 1;

		if (!p->readers) {
			got = -EPIPE;
			break;
		}
		if (!pipe_full(p) || pipe_last_room(p, packet) >= need) {
			bool empty = pipe_empty(p);

			got = pipe_append(p, io, packet);
			if (got <= 0)
				break;
			was_empty |= empty;
			done += got;
			continue;
		}
		if (READ_ONCE(file->flags) & O_NONBLOCK) {
			got = -EAGAIN;
			break;
		}
		if (was_empty)
			wait_wake_all(&p->readable);
		was_empty = false;
		got = pipe_sleep(p, &p->writable, write_may_go_on);
		if (got)
			break;
	}
	mutex_unlock(&p->lock);
	if (was_empty)
		wait_wake_all(&p->readable);
	return done ? done : got;
}

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *p = file->private;
	u32 mode = file->flags & O_ACCMODE, bits = 0;

	if (mode != O_WRONLY) {
		poll_wait(table, &p->readable);
		if (!pipe_empty(p))
			bits |= POLLIN | POLLRDNORM;
		/* No hang-up where a FIFO's reader did not wait for a writer and none came yet. */
		if (!READ_ONCE(p->writers) && file->position != READ_ONCE(p->writer_opens))
			bits |= POLLHUP;
	}
	if (mode != O_RDONLY) {
		poll_wait(table, &p->writable);
		if (!pipe_full(p))
			bits |= POLLOUT | POLLWRNORM;
		if (!READ_ONCE(p->readers))
			bits |= POLLERR;
	}
	return bits;
}

static long pipe_ioctl(struct file *file, u32 request, u64 argument)
{
	struct pipe *p = file->private;
	u32 bytes = 0;

	if (request != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	for (u32 i = p->tail; i != p->head; i++)
		bytes += pipe_slot_at(p, i)->length;
	mutex_unlock(&p->lock);
	return put_user_u32((u32 *)argument, bytes);
}

/* Count an end in (by = 1) or out (-1), and let everybody look again. */
static void pipe_count_end(struct pipe *p, u32 flags, int by)
{
	u32 mode = flags & O_ACCMODE;

	mutex_lock(&p->lock);
	spin_lock(&p->guard);
	if (mode != O_WRONLY) {
		p->readers += by;
		p->reader_opens += by > 0;
	}
	if (mode != O_RDONLY) {
		p->writers += by;
		p->writer_opens += by > 0;
	}
	spin_unlock(&p->guard);
	mutex_unlock(&p->lock);
	wait_wake_all(&p->readable);
	wait_wake_all(&p->writable);
	wait_wake_all(&p->opened);
}

/* One open file less; the last takes the pipe with it. */
static void pipe_drop(struct inode *inode, struct pipe *p)
{
	bool last;

	mutex_lock(&inode->lock);
	last = --p->files == 0;
	if (last)
		inode->pipe = NULL;
	mutex_unlock(&inode->lock);
	if (last)
		pipe_free(p);
}

static void pipe_release(struct file *file)
{
	struct pipe *p = file->private;

	pipe_count_end(p, file->flags, -1);
	pipe_drop(file->inode, p);
}

/* fifo(7): each end waits for the other; O_RDWR for none; a reader with O_NONBLOCK does not wait,
 * a writer gets ENXIO. */
static int fifo_open(struct file *file)
{
	struct inode *inode = file->inode;
	u32 mode = file->flags & O_ACCMODE, seen;
	struct pipe *p;
	int error = 0;

	mutex_lock(&inode->lock);
	p = inode->pipe;
	if (!p)
		p = inode->pipe = pipe_new();
	if (p)
		p->files++;
	mutex_unlock(&inode->lock);
	if (!p)
		return -ENOMEM;
	if (mode == O_WRONLY && file->flags & O_NONBLOCK && !READ_ONCE(p->readers)) {
		pipe_drop(inode, p);
		return -ENXIO;
	}
	file->private = p;
	seen = READ_ONCE(p->writer_opens);
	pipe_count_end(p, file->flags, 1);

	spin_lock(&p->guard);
	if (mode == O_RDONLY && !p->writers) {
		if (file->flags & O_NONBLOCK)
			file->position = p->writer_opens;
		else
			while (p->writer_opens == seen && !error)
				error =
				    wait_sleep(&p->opened, &p->guard, WAIT_FOREVER, WAIT_SIGNALS);
	} else if (mode == O_WRONLY && !p->readers) {
		seen = p->reader_opens;
		while (p->reader_opens == seen && !error)
			error = wait_sleep(&p->opened, &p->guard, WAIT_FOREVER, WAIT_SIGNALS);
	}
	spin_unlock(&p->guard);
	if (error) {
		pipe_release(file);
		return -ERESTARTSYS;
	}
	return 0;
}

static s64 pipe_seek(struct file *file, s64 offset, int whence)
{
	return -ESPIPE;
}

static const struct file_ops pipe_ops = {
    .release = pipe_release,
    .read = pipe_read,
    .write = pipe_write,
    .seek = pipe_seek,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
};

static struct file_ops fifo_ops;

void pipe_init(void)
{
	fifo_ops = pipe_ops;
	fifo_ops.open = fifo_open;
	vfs_set_fifo_ops(&fifo_ops);
}

int pipe_create(u32 flags, struct file **reader, struct file **writer)
{
	struct pipe *p = pipe_new();

	if (!p)
		return -ENOMEM;
	/* Until both ends are open, the references counted here keep release from freeing it. */
	p->files = 2;
	p->readers = p->writers = p->reader_opens = p->writer_opens = 1;
	*reader = file_create_anonymous(&pipe_ops, O_RDONLY | flags, p, S_IFIFO | 0600);
	if (IS_ERR(*reader)) {
		pipe_free(p);
		return PTR_ERR(*reader);
	}
	*writer = file_create_anonymous(&pipe_ops, O_WRONLY | flags, p, S_IFIFO | 0600);
	if (IS_ERR(*writer)) {
		p->files = 1;
		file_put(*reader);
		return PTR_ERR(*writer);
	}
	/* One pipe is one inode, for fstat() and /proc/PID/fd; its lock guards `files`. */
	inode_put((*writer)->inode);
	inode_get((*reader)->inode);
	(*writer)->inode = (*reader)->inode;
	return 0;
}

static struct pipe *pipe_of(struct file *f)
{
	return f->ops == &pipe_ops || f->ops == &fifo_ops ? f->private : NULL;
}

long pipe_size(struct file *f)
{
	struct pipe *p = pipe_of(f);

	return p ? (long)(READ_ONCE(p->count) * PAGE_SIZE) : -EBADF;
}

long pipe_set_size(struct file *f, u64 size)
{
	struct pipe *p = pipe_of(f);
	struct pipe_slot *slots, *old;
	u32 count = 1;
	long result = -EBUSY;

	if (!p)
		return -EBADF;
	if (size > INT32_MAX)
		return -EINVAL;
	if (size > PIPE_SIZE_MAX)
		return -EPERM;
	while (count * PAGE_SIZE < size)
		count *= 2;
	slots = kzalloc(count * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	mutex_lock(&p->lock);
	old = slots;
	if (p->head - p->tail <= count) {
		for (u32 i = p->tail; i != p->head; i++)
			slots[i & (count - 1)] = *pipe_slot_at(p, i);
		old = p->slots;
		spin_lock(&p->guard);
		p->slots = slots;
		WRITE_ONCE(p->count, count);
		spin_unlock(&p->guard);
		result = count * PAGE_SIZE;
	}
	mutex_unlock(&p->lock);
	kfree(old);
	wait_wake_all(&p->writable);
	return result;
}
