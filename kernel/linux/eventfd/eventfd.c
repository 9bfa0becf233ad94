/* SPDX-License-Identifier: MIT
 *
 * eventfd(2): a counter that one thread adds to and another waits for.
 */
#include "kernel/lib/errno.h"
#include "kernel/linux/ipc_parts.h"
#include "kernel/linux/text.h"
#include "kernel/mem/slab.h"
#include "kernel/sys/calls.h"

#define EFD_SEMAPHORE 1

#define COUNT_MAX     (UINT64_MAX - 1) /* the largest sum that write() makes */

static struct lock_class eventfd_class = {"eventfd", 0};

struct eventfd {
	struct spinlock lock;
	u64 count;
	bool semaphore;		   /* read() takes 1, not all */
	struct wait_queue readers; /* threads in read() */
	struct room_waiters writers;	      /* threads in write() */
	/* poll().  There may be thousands, so they are woken without the lock. */
	struct wait_queue readable, writable;
};

/* In the next three functions e->lock is held. */

static u64 room(const void *e)
{
	return COUNT_MAX - ((const struct eventfd *)e)->count;
}

/* The caller wakes `readable` afterwards. */
static void add(struct eventfd *e, u64 value)
{
	e->count += value;
	wait_wake_one(&e->readers); /* which wakes the next if it leaves something */
}

/* There may be room: carry out the write that has waited longest among those that fit.  Its thread
 * calls this again, for the next one.  Returns whether there was one, as for add(). */
static bool admit(struct eventfd *e)
{
	struct handoff *h = room_first_fit(&e->writers, &e->lock, room, e);

	if (h) {
		add(e, h->size);
		handoff_wake(h, 0);
	}
	return h;
}

static ssize_t eventfd_read(struct file *f, struct io_buffer *io, u64 *position)
{
	struct eventfd *e = f->private;
	bool added = false;
	u64 value = 0;
	int error = 0;
	ssize_t n;

	if (io->remaining < sizeof(value))
		return -EINVAL;
	spin_lock(&e->lock);
	while (!e->count && !error)
		error = READ_ONCE(f->flags) & O_NONBLOCK
			    ? -EAGAIN
			    : wait_sleep(&e->readers, &e->lock, WAIT_FOREVER, WAIT_SIGNALS);
	if (!error) {
		value = e->semaphore ? 1 : e->count;
		e->count -= value;
		added = admit(e);
		if (e->count)
			wait_wake_one(&e->readers);
	}
	spin_unlock(&e->lock);
	if (error)
		return error == -EINTR ? -ERESTARTSYS : error;
	wait_wake_one(&e->writable);
	if (added)
		wait_wake_one(&e->readable);
	n = io_put(io, &value, sizeof(value));
	return n == sizeof(value) || n < 0 ? n : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct io_buffer *io, u64 *position)
{
	struct eventfd *e = f->private;
	struct handoff call;
	bool added = false;
	int error = 0;
	u64 value;

	if (io->remaining != sizeof(value))
		return -EINVAL;
	if (io_get(io, &value, sizeof(value)) != sizeof(value))
		return -EFAULT;
	if (value > COUNT_MAX)
		return -EINVAL;
	spin_lock(&e->lock);
	if (value <= room(e)) {
		add(e, value);
		added = true;
	} else if (READ_ONCE(f->flags) & O_NONBLOCK) {
		error = -EAGAIN;
	} else {
		call = (struct handoff){.size = value};
		error = room_sleep(&e->writers, &call, &e->lock, "eventfd", WAIT_FOREVER);
		if (!error)
			added = admit(e);
	}
	spin_unlock(&e->lock);
	if (added) /* one of those with EPOLLEXCLUSIVE, and all others */
		wait_wake_one(&e->readable);
	if (error)
		return error == -EINTR ? -ERESTARTSYS : error;
	return sizeof(value);
}

static u32 eventfd_poll(struct file *f, struct poll_table *table)
{
	struct eventfd *e = f->private;
	u32 bits = 0;

	poll_wait_for(table, &e->readable, POLL_READ_BITS);
	poll_wait_for(table, &e->writable, POLL_WRITE_BITS);
	spin_lock(&e->lock);
	if (e->count)
		bits |= POLLIN;
	if (e->count < COUNT_MAX)
		bits |= POLLOUT;
	spin_unlock(&e->lock);
	return bits;
}

static void eventfd_release(struct file *f)
{
	kfree(f->private);
}

static void eventfd_show(struct file *f, struct text *text)
{
	struct eventfd *e = f->private;

	text_printf(text, "eventfd-count: %16lx\n", READ_ONCE(e->count));
}

static const struct file_ops eventfd_ops = {
    .show = eventfd_show,
    .name = "[eventfd]",
    .release = eventfd_release,
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
};

SYSCALL2(eventfd2, count, flags)
{
	struct eventfd *e;
	struct file *f;

	if ((u32)flags & ~(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	spinlock_init(&e->lock, &eventfd_class);
	wait_queue_init(&e->readers, "eventfd");
	room_init(&e->writers);
	wait_queue_init(&e->readable, "eventfd");
	wait_queue_init(&e->writable, "eventfd");
	e->count = (u32)count;
	e->semaphore = flags & EFD_SEMAPHORE;
	f = file_create_anonymous(&eventfd_ops, O_RDWR | ((u32)flags & O_NONBLOCK), e, 0600);
	if (IS_ERR(f)) {
		kfree(e);
		return PTR_ERR(f);
	}
	return fd_install(f, 0, flags & O_CLOEXEC);
}

CALL(eventfd, sys_eventfd2(a, 0, 0, 0, 0, 0))
