/* SPDX-License-Identifier: MIT
 *
 * /dev/console in a kernel without terminals: typed bytes are echoed and can be read immediately.
 * A write polls the consoles.
 * There is no line editing, no signal and no job control.  If the extension kernel/dev is built,
 * its terminal is used instead.
 */
#include "kernel/fs/console_raw.h"

#include "arch/x86_64/pc/console.h"
#include "kernel/fs/device.h"
#include "kernel/lib/errno.h"
#include "kernel/task/thread.h"

#define RING_SIZE 1024	      /* a power of two */
#define PIECE	  64	      /* the bytes that a writer processes at a time */
#define PIECE_MAX (2 * PIECE) /* the most that these become: each LF becomes CR and LF */

DEFINE_SPINLOCK(raw_lock); /* irq; guards the ring; taken before the locks of consoles */
static u8 ring[RING_SIZE];
static u32 head, tail; /* count bytes; the index is the count modulo RING_SIZE */
static struct wait_queue readers = WAIT_QUEUE_INIT(readers, "console");

/* A byte was typed: put it into the ring and echo it.  If the ring is full it is lost. */
static void raw_event(int event)
{
	u8 byte = event == '\r' ? '\n' : (u8)event;
	u64 flags;

	if (event == CONSOLE_READY)
		return;
	flags = spin_lock_irq(&raw_lock);
	if (head - tail < RING_SIZE)
		ring[head++ % RING_SIZE] = byte;
	spin_unlock_irq(&raw_lock, flags);
	console_write(byte == '\n' ? "\r\n" : (const char *)&byte, byte == '\n' ? 2 : 1);
	wait_wake_all(&readers);
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

static ssize_t raw_write(struct file *file, struct io_buffer *io, u64 *position)
{
	ssize_t done = 0;
	char in[PIECE], out[PIECE_MAX];

	while (io->remaining && !(done && thread_interrupted(WAIT_SIGNALS))) {
		ssize_t n = io_get(io, in, MIN(io->remaining, sizeof(in)));
		size_t used = 0;

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
	return POLLOUT | (READ_ONCE(head) != READ_ONCE(tail) ? POLLIN : 0);
}

static const struct file_ops raw_ops = {
    .read = raw_read, .write = raw_write, .stream = true, .poll = raw_poll};

DEVICES(50, raw_console) = {{DEVICE_CONSOLE, "/dev/console", 0600, &raw_ops}};

void console_raw_init(void)
{
	if (!console_event)
		console_event = raw_event;
}
