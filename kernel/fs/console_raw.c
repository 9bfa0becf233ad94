/* SPDX-License-Identifier: MIT
 *
 * /dev/console in a kernel without terminals: typed bytes are echoed and can be read immediately.
 * There is no line editing, no signal and no job control.  If the extension kernel/dev is built,
 * its terminal is used instead.
 */
#include "kernel/fs/console_raw.h"

#include "arch/x86_64/pc/clock.h"
#include "arch/x86_64/pc/console.h"
#include "kernel/fs/device.h"
#include "kernel/lib/errno.h"

#define RING_SIZE 1024	      /* a power of two */
#define PIECE	  64	      /* the bytes that a writer processes at a time */
#define PIECE_MAX (2 * PIECE) /* the most that these become: each LF becomes CR and LF */

DEFINE_SPINLOCK(raw_lock); /* irq; guards the ring; taken before the locks of consoles */
static u8 ring[RING_SIZE];
static u32 head, tail; /* count bytes; the index is the count modulo RING_SIZE */
static struct wait_queue readers = WAIT_QUEUE_INIT(readers, "console");
static struct wait_queue writers = WAIT_QUEUE_INIT(writers, "console output");

/* Put a typed byte into the ring and echo it.  A byte that finds the ring full is lost. */
static void raw_input(u8 byte)
{
	u64 flags;

	if (byte == '\r')
		byte = '\n';
	flags = spin_lock_irq(&raw_lock);
	if (head - tail < RING_SIZE)
		ring[head++ % RING_SIZE] = byte;
	spin_unlock_irq(&raw_lock, flags);
	if (console_room() > -CONSOLE_RESERVE / 2)
		console_write(byte == '\n' ? "\r\n" : (const char *)&byte, byte == '\n' ? 2 : 1);
	wait_wake_all(&readers);
}

/* The consoles call this in an interrupt, for each typed byte and when there is more room. */
static void raw_event(int event)
{
	u64 flags;

	if (event != CONSOLE_READY) {
		raw_input((u8)event);
		return;
	}
	/* A writer tests the room under raw_lock and sleeps with it as the guard, so this wake-up
	 * cannot fall between the test and the sleep. */
	flags = spin_lock_irq(&raw_lock);
	wait_wake_all(&writers);
	spin_unlock_irq(&raw_lock, flags);
}

/* Read at most one line.  Sleeps until there is a byte. */
static ssize_t raw_read(struct file *file, struct io_buffer *io, u64 *position)
{
	u8 bytes[128];
	size_t n = 0, max = MIN(io->remaining, sizeof(bytes));
	int error = 0;
	u64 flags = spin_lock_irq(&raw_lock);

	while (max && head == tail && !error)
		error = file->flags & O_NONBLOCK
			    ? -EAGAIN
			    : wait_sleep_irq(&readers, &raw_lock, WAIT_FOREVER, WAIT_SIGNALS);
	while (head != tail && n < max && !(n && bytes[n - 1] == '\n'))
		bytes[n++] = ring[tail++ % RING_SIZE];
	spin_unlock_irq(&raw_lock, flags);
	if (n)
		return io_put(io, bytes, n);
	return error == -EINTR ? -ERESTARTSYS : error;
}

/* Sleep until the consoles have room for a piece.  Returns 0, -EAGAIN or -ERESTARTSYS. */
static int raw_wait(bool nonblock)
{
	u64 flags = spin_lock_irq(&raw_lock);
	int result = 0;

	while (console_room() < PIECE_MAX && result != -EINTR && result != -EAGAIN) {
		result = nonblock
			     ? -EAGAIN
			     : wait_sleep_device(&writers, &raw_lock,
						 clock_now_ns() + CONSOLE_WAIT_NS, WAIT_SIGNALS);
		if (result == -ETIMEDOUT)
			console_write("", 0);
	}
	spin_unlock_irq(&raw_lock, flags);
	return result == -EINTR ? -ERESTARTSYS : result == -EAGAIN ? -EAGAIN : 0;
}

static ssize_t raw_write(struct file *file, struct io_buffer *io, u64 *position)
{
	ssize_t done = 0;
	char in[PIECE], out[PIECE_MAX];

	while (io->remaining) {
		int error = raw_wait(file->flags & O_NONBLOCK);
		size_t used = 0;
		ssize_t n;

		if (error)
			return done ? done : error;
		n = io_get(io, in, MIN(io->remaining, sizeof(in)));
		if (n <= 0)
			return done ? done : n;
		for (ssize_t i = 0; i < n; i++) {
			if (in[i] == '\n')
				out[used++] = '\r';
			out[used++] = in[i];
		}
		console_write(out, used);
		done += n;
	}
	return done;
}

static u32 raw_poll(struct file *file, struct poll_table *table)
{
	poll_wait(table, &readers);
	poll_wait(table, &writers);
	return (console_room() >= PIECE_MAX ? POLLOUT : 0) |
	       (READ_ONCE(head) != READ_ONCE(tail) ? POLLIN : 0);
}

static const struct file_ops raw_ops = {
    .read = raw_read, .write = raw_write, .stream = true, .poll = raw_poll};

DEVICES(50, raw_console) = {{DEVICE_CONSOLE, "/dev/console", 0600, &raw_ops}};

void console_raw_init(void)
{
	if (!console_event)
		console_event = raw_event;
}
