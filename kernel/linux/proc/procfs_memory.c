/* SPDX-License-Identifier: MIT
 *
 * What debuggers read of another process: /proc/PID/mem, auxv and syscall.
 */
#include "kernel/fs/vfs.h"
#include "kernel/lib/errno.h"
#include "kernel/linux/proc/procinfo.h"
#include "kernel/linux/process_parts.h"
#include "kernel/linux/rights.h"
#include "kernel/linux/space_io.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/internal.h"
#include "kernel/task/per_thread.h"
#include "kernel/task/process_events.h"
#include "kernel/vm/address_space.h"

/* How often the process has called execve(): an open file shows the memory of one program. */
static DEFINE_PER_PROCESS(u32, execs);

static void count_exec(struct process *p)
{
	__atomic_fetch_add(per_process(p, execs), 1, __ATOMIC_SEQ_CST);
}

ON_EVENT(exec, count_exec);

struct memory_file {
	struct process *process;
	u32 execs;
};

static int memory_open(struct file *file)
{
	struct thread *t = thread_find(procfs_file_pid(file));
	struct memory_file *m = NULL;
	int result = !t ? -ESRCH : may_inspect(t) ? 0 : -EACCES;

	if (!result) {
		m = kmalloc(sizeof(*m));
		result = m ? 0 : -ENOMEM;
	}
	if (!result) {
		process_get(t->process);
		*m = (struct memory_file){t->process, *per_process(t->process, execs)};
		file->private = m;
	}
	if (t)
		thread_put(t);
	return result;
}

static void memory_release(struct file *file)
{
	struct memory_file *m = file->private;

	process_put(m->process);
	kfree(m);
}

/* The memory of an ended process or program has no bytes. */
static ssize_t memory_transfer(struct file *file, struct io_buffer *io, u64 *position, bool write)
{
	struct memory_file *m = file->private;
	struct address_space *as = process_space_get(m->process);
	ssize_t n = 0;

	if (!as)
		return 0;
	if (m->execs == __atomic_load_n(per_process(m->process, execs), __ATOMIC_SEQ_CST))
		n = space_transfer(as, *position, io, io->remaining, write, true);
	address_space_put(as);
	if (n > 0)
		*position += (u64)n;
	return n == -EFAULT ? -EIO : n;
}

static ssize_t memory_read(struct file *file, struct io_buffer *io, u64 *position)
{
	return memory_transfer(file, io, position, false);
}

static ssize_t memory_write(struct file *file, struct io_buffer *io, u64 *position)
{
	return memory_transfer(file, io, position, true);
}

static const struct file_ops memory_ops = {
    .open = memory_open, .release = memory_release, .read = memory_read, .write = memory_write};

/* --- /proc/PID/auxv and syscall --------------------------------------------------------------- */

#define AUXV_MAX 64 /* pairs */

static u64 word_at(struct address_space *as, u64 address)
{
	u64 word = 0;

	(void)address_space_read(as, address, &word, sizeof(word));
	return word;
}

/* The auxiliary vector lies on the first stack: argc, the arguments, NULL, the environment, NULL.
 */
static void show_auxv(struct address_space *as, struct text *text)
{
	u64 at = as->layout.stack_start + 8 * (word_at(as, as->layout.stack_start) + 2), pair[2];

	while (word_at(as, at) && at < as->layout.stack_start + 128 * PAGE_SIZE)
		at += 8;
	at += 8;
	for (u32 i = 0; i < AUXV_MAX; i++, at += sizeof(pair)) {
		if (address_space_read(as, at, pair, sizeof(pair)) != sizeof(pair))
			break;
		text_write(text, (const char *)pair, sizeof(pair));
		if (!pair[0])
			break;
	}
}

/* The number and the arguments of the call in which the thread sleeps; -1: it sleeps in no call. */
static void show_syscall(struct thread *t, struct process *p, struct text *text)
{
	struct trap_frame f = *thread_frame(t);
	enum thread_state state = READ_ONCE(t->state);

	if (state == THREAD_RUNNABLE || state == THREAD_DEAD || READ_ONCE(t->on_cpu))
		text_printf(text, "running\n");
	else if (f.vector != VECTOR_SYSCALL || (s64)f.error == -1)
		text_printf(text, "-1 0x%lx 0x%lx\n", f.rsp, f.rip);
	else
		text_printf(text, "%ld 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n",
			    (long)f.error, f.rdi, f.rsi, f.rdx, f.r10, f.r8, f.r9, f.rsp, f.rip);
}

PROC_PID_FILES(memory_files) = {
    {.name = "mem", .mode = S_IFREG | 0600, .per_thread = true, .ops = &memory_ops},
    {.name = "auxv",
     .mode = S_IFREG | 0400,
     .per_thread = true,
     .inspects = true,
     .show_space = show_auxv},
    {.name = "syscall",
     .mode = S_IFREG | 0400,
     .per_thread = true,
     .inspects = true,
     .show = show_syscall},
};
