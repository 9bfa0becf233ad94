/* SPDX-License-Identifier: MIT
 *
 * Pipes whose size changes.
 */
#include "kernel/ipc/pipe.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/linux/pipe/pipe_size.h"
#include "kernel/mem/slab.h"
#include "tests/kernel/kfile.h"
#include "tests/kernel/ktest.h"

KTEST(pipe_size_changes)
{
	struct file *r, *w;
	char *buf = kzalloc(PIPE_SIZE_DEFAULT);

	KEXPECT(buf);
	if (!buf || pipe_create(O_NONBLOCK, &r, &w))
		return;
	KEXPECT_EQ(put(w, buf, PIPE_SIZE_DEFAULT), PIPE_SIZE_DEFAULT);
	KEXPECT_EQ(pipe_set_size(w, PAGE_SIZE), -EBUSY);
	KEXPECT_EQ(pipe_set_size(w, 2 * PIPE_SIZE_DEFAULT - 1), 2 * PIPE_SIZE_DEFAULT);
	KEXPECT_EQ(get(r, buf, PIPE_SIZE_DEFAULT), PIPE_SIZE_DEFAULT);
	/* The bytes in the pipe stay in order over a change of size in the middle of a page. */
	KEXPECT_EQ(put(w, "abcdef", 6), 6);
	KEXPECT_EQ(get(r, buf, 3), 3);
	KEXPECT_EQ(pipe_set_size(w, 1), PAGE_SIZE);
	KEXPECT_EQ(put(w, "gh", 2), 2);
	KEXPECT_EQ(get(r, buf, 16), 5);
	KEXPECT(!memcmp(buf, "defgh", 5));
	file_put(r);
	file_put(w);
	kfree(buf);
}
