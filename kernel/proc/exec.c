/* SPDX-License-Identifier: MIT
 *
 * execve(): the calling process runs another program (execve(2)).
 *
 * All that can fail comes first, in a new address space that no thread uses yet: open the file,
 * copy the arguments, load the program, build its stack.  Then the other threads of the process are
 * ended.  After that exec cannot fail: the calling thread takes over the leader's TID and switches
 * to the new space.
 */
#include "kernel/proc/exec.h"

#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/descriptors.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/segments.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/task/probe.h"
#include "kernel/task/process_events.h"

/* Open the file to be loaded into e->file: the program itself, or the interpreter that its format
 * names.  0 or an error.  Sleeps. */
static int program_open(struct exec *e, const char *path)
{
	for (u32 depth = 0;; depth++) {
		struct file *file = vfs_open(NULL, path, O_RDONLY | O_EXEC, 0);
		int result = 0;

		if (IS_ERR(file))
			return (int)PTR_ERR(file);
		e->file = file;
		linker_set_for_each(format, exec_formats) if (!result) result =
		    format->interpreter(e, &path, depth);
		if (result <= 0)
			return result;
		file_put(file);
		e->file = NULL;
	}
}

/* --- Steps that can fail ---------------------------------------------------------------------- */

/* Build the new image in `e`: file, arguments, address space, program, stack.  The process does not
 * change.  Sleeps. */
static int prepare(struct exec *e, u64 argv, u64 envp, bool from_kernel)
{
	struct process *p = current_process();
	int error = program_open(e, e->name);

	if (!error)
		error = exec_rights(&e->credentials, e->file->inode, &e->secure);
	if (!error)
		error = exec_arguments_copy(e, argv, envp, from_kernel);
	if (error)
		return error;
	e->space = exec_space_create(p);
	if (IS_ERR(e->space))
		return (int)PTR_ERR(e->space);
	error = elf_load(e->space, e->file, &e->image);
	if (!error)
		error = exec_stack_build(e);
	return error;
}

/* Free what `e` holds: the new image if exec failed, the old one if exchange() has swapped them. */
static void release(struct exec *e)
{
	kfree(e->strings);
	if (e->space && !IS_ERR(e->space))
		address_space_put(e->space);
	if (e->file)
		file_put(e->file);
	kfree(e);
}

/* Kill all other threads of the process and wait until they have ended.  -EINTR if the whole
 * process is ending. */
static int end_other_threads(struct process *p, struct thread *self)
{
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signals.lock);
	int error = signal_dying(self) ? -EINTR : 0;

	if (!error && p->thread_count > 1) {
		p->exec.thread = self; /* see signal_dying() */
		news_spread(p, false, NULL);
	}
	spin_unlock_irq(&p->signals.lock, inner);
	while (!error && p->thread_count > 1)
		error = wait_sleep_irq(&p->exec.wait, &process_lock, WAIT_FOREVER, WAIT_KILLABLE);
	inner = spin_lock_irq(&p->signals.lock);
	p->exec.thread = NULL;
	spin_unlock_irq(&p->signals.lock, inner);
	spin_unlock_irq(&process_lock, flags);
	return error;
}

/* Make the calling thread the leader.  The PID of the process must not change (execve(2)), so the
 * caller takes over the TID of the old leader, which has exited. */
static void become_leader(struct process *p, struct thread *self)
{
	struct thread *leader = p->leader;
	u64 flags, inner;

	if (leader == self)
		return;
	flags = spin_lock_irq(&process_lock);
	inner = spin_lock_irq(&p->signals.lock);
	thread_unlink(leader);
	tid_free(self->tid);
	thread_renumber(self, p->pid);
	p->leader = self;
	spin_unlock_irq(&p->signals.lock, inner);
	spin_unlock_irq(&process_lock, flags);
	thread_put(leader); /* drop the reference of the TID hash */
}

/* --- Steps that cannot fail ------------------------------------------------------------------- */

/* Swap address space and executable between `p` and `e`, and load the new page table.  Wakes a
 * vfork() parent. */
static void exchange(struct exec *e, struct process *p, struct thread *self)
{
	u64 flags = spin_lock_irq(&process_lock);

	if (p->space) /* NULL only for the first exec of init, which started as a kernel thread */
		p->use.ended_threads.peak_resident_pages =
		    MAX(p->use.ended_threads.peak_resident_pages, address_space_peak(p->space));
	SWAP(p->space, e->space);
	SWAP(p->executable, e->file);
	p->exec.done = true;
	p->exit_signal = SIGCHLD;
	p->exec.has_left_space = true;
	self->pmap = &p->space->pmap;
	(void)pmap_switch(self->pmap); /* interrupts are off */
	spin_unlock_irq(&process_lock, flags);
	wait_wake_all(&p->exec.wait);
}

/* Set the calling thread's registers, FPU state and name to those of a new program. */
static void reset_thread(struct thread *t, const struct exec *e)
{
	const char *slash = strrchr(e->name, '/');
	struct trap_frame *frame = thread_frame(t);

	thread_set_name(t, slash ? slash + 1 : e->name);
	t->signals.altstack = (struct altstack){0};
	t->restart.fn = NULL;
	preempt_disable();
	t->arch.segments.all = t->arch.fs_base = t->arch.gs_base = 0;
	segments_load(&t->arch);
	fpu_reset(&t->arch);
	fpu_claim(&t->arch); /* no state of the old program stays in the registers */
	preempt_enable();
	__atomic_fetch_or(&t->pending_work, WORK_NEW_FRAME, __ATOMIC_RELAXED);
	*frame = (struct trap_frame){
	    .vector = frame->vector,
	    .error = frame->error,
	    .rip = e->image.entry,
	    .cs = SELECTOR_USER_CODE,
	    .rflags = RFLAGS_IF,
	    .rsp = e->stack_pointer,
	    .ss = SELECTOR_USER_DATA,
	};
}

/* Switch the process over to the image in `e`.  -EINTR if the process is ending.  -ENOMEM if what it
 * shares with other processes cannot be copied; then its other threads have ended.  After that
 * nothing fails. */
static int commit(struct exec *e)
{
	struct thread *self = current_thread();
	struct process *p = self->process;
	tid_t old_tid = self->tid;
	int error = end_other_threads(p, self);

	if (!error)
		error = process_unshare(CLONE_FILES | CLONE_SIGHAND);
	if (error)
		return error;
	signal_actions_reset(p->signals.actions);
	become_leader(p, self);
	if (p->space)
		thread_release_user_words(self);
	exchange(e, p, self);
	process_event(exec, p);
	file_table_close_on_exec(p->files);
	reset_thread(self, e);
	trace_text(TRACE_EXEC, (u32)old_tid, e->name, strlen(e->name));
	return 0;
}

long process_exec(const char *path, u64 argv, u64 envp, bool from_kernel)
{
	struct process *p = current_process();
	struct exec *e = kzalloc(sizeof(*e));
	int error;

	if (!e)
		return -ENOMEM;
	e->name = path;
	e->credentials = current_thread()->credentials;
	error = mutex_lock_killable(&p->exec.lock);
	if (!error) {
		error = prepare(e, argv, envp, from_kernel);
		if (!error)
			error = commit(e);
		mutex_unlock(&p->exec.lock);
	}
	release(e);
	return error;
}
