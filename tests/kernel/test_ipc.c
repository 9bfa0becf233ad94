/* SPDX-License-Identifier: MIT
 *
 * Pipes, with kernel buffers.
 */
#include "kernel/ipc/pipe.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/task/sched.h"
#include "tests/kernel/kfile.h"
#include "tests/kernel/ktest.h"

/* POSIX write(): at most PIPE_BUF bytes are written completely or not at all. */
KTEST(pipe_fills_to_the_byte)
{
	struct file *r, *w;
	char *buf = kzalloc(PIPE_SIZE_DEFAULT);
	ssize_t total = 0, n;

	KEXPECT(buf);
	if (!buf || pipe_create(O_NONBLOCK, &r, &w))
		return;
	KEXPECT_EQ(get(r, buf, 1), -EAGAIN);
	while ((n = put(w, buf, 1000)) == 1000)
		total += n;
	KEXPECT_EQ(n, -EAGAIN);
	KEXPECT_EQ(total, PIPE_SIZE_DEFAULT / 1000 * 1000);
	KEXPECT_EQ(put(w, buf, 5000), PIPE_SIZE_DEFAULT % 1000);
	KEXPECT_EQ(put(w, buf, 1), -EAGAIN);
	KEXPECT_EQ(file_poll(w, NULL) & POLLOUT, 0);
	KEXPECT_EQ(file_poll(r, NULL), POLLIN | POLLRDNORM);
	KEXPECT_EQ(get(r, buf, PAGE_SIZE - 1), PAGE_SIZE - 1);
	KEXPECT_EQ(put(w, buf, 1), -EAGAIN);
	KEXPECT_EQ(get(r, buf, 1), 1);
	KEXPECT_EQ(put(w, buf, PIPE_BUF), PIPE_BUF);
	KEXPECT_EQ(get(r, buf, PIPE_SIZE_DEFAULT), PIPE_SIZE_DEFAULT);
	file_put(w);
	KEXPECT_EQ(file_poll(r, NULL), POLLHUP);
	KEXPECT_EQ(get(r, buf, 1), 0);
	file_put(r);
	kfree(buf);
}

KTEST(pipe_broken_end)
{
	struct file *r, *w;

	if (pipe_create(O_NONBLOCK, &r, &w))
		return;
	file_put(r);
	KEXPECT_EQ(put(w, "z", 1), -EPIPE);
	KEXPECT(file_poll(w, NULL) & POLLERR);
	file_put(w);
}

#define STREAM_BYTES 1000003

static void write_stream(void *arg)
{
	u8 buf[777];
	u32 next = 0;

	while (next < STREAM_BYTES) {
		u32 n = MIN((u32)sizeof(buf), STREAM_BYTES - next);

		for (u32 i = 0; i < n; i++)
			buf[i] = (u8)((next + i) * 7);
		KEXPECT_EQ(put(arg, buf, n), n);
		next += n;
	}
	file_put(arg);
}

/* A writer and a reader block on each other; their pieces never fit into a page evenly. */
KTEST(pipe_stream_arrives_in_order)
{
	struct file *r, *w;
	u32 next = 0, wrong = 0;
	u8 buf[1013];
	ssize_t n;

	if (pipe_create(0, &r, &w))
		return;
	if (IS_ERR(kthread_create("pipe_writer", write_stream, w)))
		file_put(w);
	while ((n = get(r, buf, sizeof(buf))) > 0)
		for (u32 i = 0; i < n; i++)
			wrong += buf[i] != (u8)(next++ * 7);
	KEXPECT_EQ(n, 0);
	KEXPECT_EQ(next, STREAM_BYTES);
	KEXPECT_EQ(wrong, 0);
	file_put(r);
}
