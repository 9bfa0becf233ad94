/* SPDX-License-Identifier: MIT
 *
 * Making a process, and process 0, which owns the kernel threads.
 */
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/string.h"
#include "kernel/mem/page.h"
#include "kernel/mem/slab.h"
#include "kernel/task/internal.h"
#include "kernel/task/per_thread.h"

static struct lock_class signal_lock_class = {"signal", 0}, limits_lock_class = {"limits", 0};
static struct lock_class exec_lock_class = {"exec", 0};
struct lock_class fs_context_class = {"fs context", 0};
static struct fs_context kernel_fs = {{1}, MUTEX_INIT(kernel_fs.lock, &fs_context_class), NULL, 0};

static void process_init_fields(struct process *p)
{
	refcount_init(&p->refs, 1);
	list_init(&p->children);
	list_init(&p->sibling_link);
	list_init(&p->threads);
	list_init(&p->signals.queue);
	list_init(&p->signals.first.link);
	list_init(&p->signals.targets);
	wait_queue_init(&p->child_wait, "child");
	wait_queue_init(&p->exec.wait, "exec");
	mutex_init(&p->exec.lock, &exec_lock_class);
	spinlock_init(&p->signals.lock, &signal_lock_class);
	spinlock_init(&p->limits.lock, &limits_lock_class);
	p->exit_signal = SIGCHLD;
}

/* With the per-process variables of extensions behind it.  NULL: no memory. */
static struct process *process_alloc(void)
{
	struct process *p = kzalloc(sizeof(*p) + (size_t)__per_process_size);

	if (p)
		process_init_fields(p);
	return p;
}

struct process *process_create(struct process *parent)
{
	struct process *p = process_alloc();
	u64 flags;

	if (!p)
		return NULL;
	p->started_ns = clock_now_ns();
	flags = spin_lock_irq(&parent->limits.lock);
	memcpy(p->limits.value, parent->limits.value, sizeof(p->limits.value));
	spin_unlock_irq(&parent->limits.lock, flags);
	return p;
}

void process_init_early(void)
{
	kernel_process = process_alloc();
	if (!kernel_process)
		panic("no memory for process 0");
	kernel_process->fs = &kernel_fs;
	process_tables_init();
}

/* As on Linux: soft limits for stacks and descriptors, no core files, the rest unlimited.  The
 * number of processes and of queued signals follows from the size of the memory, so that a fork
 * bomb gets EAGAIN before the memory is used up: Linux counts 256 KiB for a process (its kernel stack
 * of 16 KiB may take a sixteenth of the memory).  Here an idle process takes some 65 KiB, a thread 15,
 * so 96 KiB are counted.  All threads together may be a quarter more. */
static void set_default_limits(struct process *p)
{
	struct page_stats stats;
	u64 count;

	page_stats_read(&stats);
	count = MIN(stats.total * PAGE_SIZE / (96 * 1024), 32768UL);
	thread_limit = (u32)MAX(count + count / 4, 64UL);
	for (u32 i = 0; i < RLIMIT_COUNT; i++)
		p->limits.value[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	p->limits.value[RLIMIT_STACK].current = 8 << 20;
	p->limits.value[RLIMIT_CORE].current = 0;
	p->limits.value[RLIMIT_NOFILE] = (struct rlimit){1024, 4096};
	p->limits.value[RLIMIT_NPROC] = p->limits.value[RLIMIT_SIGPENDING] =
	    (struct rlimit){count, count};
	p->limits.value[RLIMIT_MEMLOCK] = (struct rlimit){8 << 20, 8 << 20};
}

/* A thread is reported dead before it has left its kernel stack.  Wait up to 50 ms for such
 * threads, so that their memory is counted as free. */
static void wait_for_threads_left(void)
{
	for (u32 ms = 0; ms < 50 && __atomic_load_n(&threads_left, __ATOMIC_ACQUIRE); ms++)
		if (current_thread()->exited || sleep_until(clock_now_ns() + NSEC_PER_MSEC, 0) < 0)
			break;
}

void process_init(void)
{
	set_default_limits(kernel_process);
	kernel_process->signals.actions = signal_actions_copy(NULL); /* a kernel thread's SIGPIPE */
	shrinker_register(wait_for_threads_left);
}
