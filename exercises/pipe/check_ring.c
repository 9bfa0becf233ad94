/* SPDX-License-Identifier: MIT
 *
 * The checks of the exercise `pipe`.  The threads take turns on one CPU (kpinned.h), so that what
 * each has done after so many turns is known.
 */
#include "kernel/ipc/pipe_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/task/internal.h"
#include "tests/kernel/kfile.h"
#include "tests/kernel/kpinned.h"

#define SIZE PIPE_SIZE_DEFAULT

/* Of the running test.  It is not freed if a thread is left behind, which may still use it. */
static struct {
	struct file *reader, *writer;
	u8 *buffer; /* of the thread: four times the size of a pipe */
	size_t bytes;
} * s;

static bool begin(u32 flags, size_t bytes)
{
	s = kzalloc(sizeof(*s));
	require(s);
	s->buffer = kzalloc(4 * SIZE);
	s->bytes = bytes;
	return s->buffer && !pipe_create(flags, &s->reader, &s->writer);
}

static void close_reader(void)
{
	if (s->reader)
		file_put(s->reader);
	s->reader = NULL;
}

static void close_writer(void)
{
	if (s->writer)
		file_put(s->writer);
	s->writer = NULL;
}

static void end(u32 count)
{
	if (count && !pinned_end(count))
		return; /* a thread may still use the pipe */
	close_reader();
	close_writer();
	kfree(s->buffer);
	kfree(s);
}

static void read_once(u32 number)
{
	pinned[number].result = get(s->reader, s->buffer, s->bytes);
}

static void write_once(u32 number)
{
	pinned[number].result = put(s->writer, s->buffer, s->bytes);
}

static u64 bytes_in_pipe(void)
{
	const struct pipe *p = s->reader->private;

	return READ_ONCE(p->head) - READ_ONCE(p->tail);
}

/* What the byte number `at` of the stream must be. */
static u8 byte_of(u64 at)
{
	return (u8)(at * 7 + at / 4096 * 13);
}

static ssize_t put_bytes(u64 at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->buffer[i] = byte_of(at + i);
	return put(s->writer, s->buffer, n);
}

/* Read n bytes and return how many of them are wrong. */
static u32 wrong_bytes(u64 at, size_t n)
{
	ssize_t got;
	u32 wrong = 0;

	memset(s->buffer, 0xee, n);
	got = get(s->reader, s->buffer, n);
	KEXPECT_EQ(got, n);
	for (ssize_t i = 0; i < got; i++)
		wrong += s->buffer[i] != byte_of(at + (u64)i);
	return wrong;
}

/* Bytes pass the end of each page and the end of the ring, and the pipe is never empty meanwhile.
 */
KTEST(pipe_ring_keeps_the_order)
{
	u64 head = 0, tail = 0;
	u32 wrong = 0;

	if (!begin(O_NONBLOCK, 0))
		return;
	for (u32 round = 0; round < 60 && !wrong; round++) {
		size_t n = pipe_room(s->reader->private); /* fill it each time */

		KEXPECT_EQ(put_bytes(head, n), n);
		head += n;
		n = MIN(head - tail - 1, 1 + round * 977 % 8111);
		wrong = wrong_bytes(tail, n);
		tail += n;
	}
	KEXPECT_EQ(wrong, 0); /* bytes that are not those that were written */
	end(0);
}

KTEST(pipe_holds_its_size)
{
	if (!begin(O_NONBLOCK, 0))
		return;
	KEXPECT_EQ(put_bytes(0, 2 * SIZE), SIZE);
	KEXPECT_EQ(put_bytes(SIZE, 1), -EAGAIN);
	KEXPECT_EQ(wrong_bytes(0, SIZE), 0);
	KEXPECT_EQ(get(s->reader, s->buffer, 1), -EAGAIN);
	end(0);
}

/* Up to PIPE_BUF bytes are written as a whole or not at all. */
KTEST(pipe_small_writes_are_whole)
{
	if (!begin(O_NONBLOCK, 0))
		return;
	KEXPECT_EQ(put_bytes(0, SIZE - 1000), SIZE - 1000);
	KEXPECT_EQ(put_bytes(0, 1001), -EAGAIN);
	KEXPECT_EQ(put_bytes(0, PIPE_BUF), -EAGAIN);
	KEXPECT_EQ(put_bytes(0, PIPE_BUF + 1), 1000); /* a larger one is cut */
	end(0);
}

KTEST(pipe_write_wakes_reader)
{
	if (!begin(0, 100))
		return;
	pinned_start(1, read_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	KEXPECT_EQ(put(s->writer, "ab", 2), 2);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned[0].done, true);
	KEXPECT_EQ(pinned[0].result, 2); /* what is there, not as much as was asked for */
	end(1);
}

KTEST(pipe_read_wakes_writer)
{
	if (!begin(0, 100))
		return;
	KEXPECT_EQ(put_bytes(0, SIZE), SIZE);
	pinned_start(1, write_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	KEXPECT_EQ(wrong_bytes(0, SIZE), 0);
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned[0].done, true);
	KEXPECT_EQ(pinned[0].result, 100);
	end(1);
}

/* A write of more than the ring holds returns when all is written. */
KTEST(pipe_long_write_is_whole)
{
	u64 at = 0;

	if (!begin(0, 3 * SIZE))
		return;
	for (u64 i = 0; i < 3 * SIZE; i++)
		s->buffer[i] = byte_of(i);
	pinned_start(1, write_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	while (at < 3 * SIZE && TURNS_UNTIL(bytes_in_pipe() || pinned[0].done)) {
		u8 buf[1000];
		ssize_t n = bytes_in_pipe() ? get(s->reader, buf, sizeof(buf)) : 0;

		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != byte_of(at + (u64)i))
				n = -1;
		if (n <= 0)
			break;
		at += (u64)n;
	}
	KEXPECT_EQ(at, 3 * SIZE); /* bytes that arrived as they were written */
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned[0].done, true);
	KEXPECT_EQ(pinned[0].result, 3 * SIZE);
	end(1);
}

/* A reader sleeps, and a thread writes more than the ring holds: it must wake the reader before it
 * sleeps itself. */
static void read_or_write_long(u32 number)
{
	if (!number) {
		read_once(number);
		return;
	}
	pinned[number].result = put(s->writer, s->buffer + SIZE, SIZE + PIPE_BUF);
}

KTEST(pipe_full_writer_wakes_reader)
{
	if (!begin(0, SIZE))
		return;
	pinned_start(2, read_or_write_long);
	KEXPECT_EQ(pinned[0].result, SIZE);
	KEXPECT_EQ(pinned[1].result, SIZE + PIPE_BUF);
	end(2);
}

KTEST(pipe_end_of_file)
{
	if (!begin(0, 100))
		return;
	pinned_start(1, read_once);
	KEXPECT_EQ(pinned_asleep(0), true);
	close_writer();
	take_turns(PINNED_TURNS);
	KEXPECT_EQ(pinned[0].done, true);
	KEXPECT_EQ(pinned[0].result, 0);
	end(1);
	if (!begin(0, 100))
		return;
	KEXPECT_EQ(put_bytes(0, 5), 5);
	close_writer();
	pinned_start(1, read_once);
	KEXPECT_EQ(pinned[0].result, 5); /* what was written before comes first */
	KEXPECT(pinned_end(1));
	pinned_start(1, read_once);
	KEXPECT_EQ(pinned[0].done, true);
	KEXPECT_EQ(pinned[0].result, 0);
	end(1);
}

static void write_without_reader(u32 number)
{
	/* A blocked signal waits in the thread, even in one of the kernel. */
	current_thread()->signals.mask |= SIGNAL_BIT(SIGPIPE);
	write_once(number);
}

KTEST(pipe_no_reader)
{
	bool exiting = kernel_process->group_exiting; /* by a signal of another test: no effect */
	struct thread_signals *signals;
	u64 flags;

	kernel_process->group_exiting = false;
	for (u32 round = 0; round < 2; round++) {
		if (!begin(0, 100))
			return;
		KEXPECT_EQ(put_bytes(0, round ? 0 : SIZE), round ? 0 : SIZE);
		if (round)
			close_reader();
		pinned_start(1, write_without_reader);
		KEXPECT_EQ(pinned_asleep(0), !round); /* the first one, in a pipe that is full */
		close_reader();
		take_turns(PINNED_TURNS);
		KEXPECT_EQ(pinned[0].done, true);
		KEXPECT_EQ(pinned[0].result, -EPIPE);
		signals = &pinned[0].thread->signals;
		KEXPECT_EQ(signals->pending, SIGNAL_BIT(SIGPIPE));
		flags = spin_lock_irq(&kernel_process->signals.lock);
		signal_flush_queue(kernel_process, &signals->queue);
		spin_unlock_irq(&kernel_process->signals.lock, flags);
		end(1);
	}
	kernel_process->group_exiting = exiting;
}
