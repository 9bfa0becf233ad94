/* SPDX-License-Identifier: MIT
 *
 * /dev/coverage: which places of the kernel a thread, and all that it clones, has reached.
 *
 * With `make SANITIZE=coverage` the compiler calls a function at the beginning of each basic block.
 * It sets the bit of that place in the map of the current thread.  Each open file of /dev/coverage
 * has a map.  One byte is written to it:
 *
 *   1   the calling thread, and the threads and processes that it makes from then on, record here
 *   0   the calling thread records no more
 *   c   clear the map
 *
 * read() gives the map from its beginning.  Bit n stands for the four bytes of code that begin 4n
 * bytes after the start of the kernel's text, and for the call whose return address lies there (a
 * call has five bytes, so no two share a bit).  What interrupts do is not recorded.  The interface
 * of Linux's KCOV (Documentation/dev-tools/kcov.rst) lists addresses instead; a map needs no bound.
 *
 * This folder is compiled without the calls.
 */
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/percpu.h"
#include "kernel/fs/device.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"

/* The compiler knows this name; no header declares it. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

enum { BYTES_PER_BIT = 4 };

struct coverage {
	struct refcount refs; /* of the file and of each thread that records */
	u64 map[];
};

static DEFINE_PER_THREAD(struct coverage *, coverage);
static u32 maps; /* how many there are: before the first, no thread is asked for one */

static u64 map_size(void)
{
	return ALIGN_UP((u64)(__text_end - __text_start) / BYTES_PER_BIT / 8, 8);
}

static void coverage_put(struct coverage *c)
{
	if (!c || !refcount_put(&c->refs))
		return;
	page_put(virt_to_page(c));
	__atomic_fetch_sub(&maps, 1, __ATOMIC_RELAXED);
}

/* Called from everywhere, also before there are threads and with any lock held.  `current` is not
 * freed while it runs, and only it changes its own pointer. */
void __sanitizer_cov_trace_pc(void)
{
	u64 bit = ((u64)__builtin_return_address(0) - (u64)__text_start) / BYTES_PER_BIT, mask;
	struct coverage *c;

	if (likely(!READ_ONCE(maps)) || this_cpu_read(irq_depth) ||
	    bit >= (u64)(__text_end - __text_start) / BYTES_PER_BIT)
		return;
	c = *per_thread(current_thread(), coverage);
	if (!c)
		return;
	mask = 1UL << bit % 64;
	/* Several threads may share the map.  Most bits are set already: a test is cheaper. */
	if (!(READ_ONCE(c->map[bit / 64]) & mask))
		__atomic_fetch_or(&c->map[bit / 64], mask, __ATOMIC_RELAXED);
}

static void coverage_set(struct thread *t, struct coverage *c)
{
	struct coverage *old = *per_thread(t, coverage);

	if (c)
		refcount_get(&c->refs);
	WRITE_ONCE(*per_thread(t, coverage), c);
	barrier();
	coverage_put(old);
}

static void coverage_inherit(struct thread *t)
{
	coverage_set(t, *per_thread(current_thread(), coverage));
}

static void coverage_free(struct thread *t)
{
	coverage_set(t, NULL);
}

ON_EVENT(clone, coverage_inherit);
ON_EVENT(free, coverage_free);

static int coverage_open(struct file *f)
{
	u64 size = sizeof(struct coverage) + map_size();
	unsigned order = 0;
	struct page *page;
	struct coverage *c;

	while ((u64)PAGE_SIZE << order < size)
		order++;
	page = page_alloc(order, PAGE_KERNEL);
	if (!page)
		return -ENOMEM;
	c = page_to_virt(page);
	memset(c, 0, size);
	refcount_init(&c->refs, 1);
	f->private = c;
	__atomic_fetch_add(&maps, 1, __ATOMIC_RELAXED);
	return 0;
}

static void coverage_release(struct file *f)
{
	coverage_put(f->private);
}

static ssize_t coverage_read(struct file *f, struct io_buffer *io, u64 *position)
{
	struct coverage *c = f->private;

	return io_put(io, c->map, MIN(map_size(), io->remaining));
}

static ssize_t coverage_write(struct file *f, struct io_buffer *io, u64 *position)
{
	struct coverage *c = f->private;
	char what;

	if (io_get(io, &what, 1) != 1)
		return -EFAULT;
	if (what == '1')
		coverage_set(current_thread(), c);
	else if (what == '0')
		coverage_set(current_thread(), NULL);
	else if (what == 'c')
		memset(c->map, 0, map_size());
	else
		return -EINVAL;
	return 1;
}

static const struct file_ops coverage_ops = {
    .stream = true,
    .open = coverage_open,
    .release = coverage_release,
    .read = coverage_read,
    .write = coverage_write,
};

DEVICES(10, coverage_devices) = {{MAKEDEV(10, 200), "/dev/coverage", 0600, &coverage_ops}};
