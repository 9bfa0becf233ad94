/* SPDX-License-Identifier: MIT
 *
 * fork(), vfork(), clone(), clone3(): a new process, or a new thread in this one (clone(2)).
 *
 * Descriptors, directory and signal actions are the process's: a thread cannot have its own, nor
 * can two processes share them.  So CLONE_FILES, CLONE_FS and CLONE_SIGHAND come with CLONE_THREAD,
 * all three, or not at all; else -EINVAL (Linux allows more; no C library asks for it).
 */
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/segments.h"
#include "arch/x86_64/pc/clock.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/internal.h"
#include "kernel/task/probe.h"
#include "kernel/task/process_events.h"
#include "kernel/task/sched.h"

/* Name spaces (mount, cgroup, UTS, IPC, user, PID, network, time) are not there: -EINVAL, as from a
 * Linux that was built without. */
#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define CLONE_SHARED (CLONE_FILES | CLONE_FS | CLONE_SIGHAND)
#define CLONE_KNOWN  ((0xffffffffUL & ~CLONE_PARENT) | CLONE_CLEAR_SIGHAND)

static int check_flags(const struct clone_args *args)
{
	u64 flags = args->flags;

	if (flags & (CLONE_NAMESPACES | CLONE_PIDFD) || flags & ~CLONE_KNOWN ||
	    args->exit_signal > SIGNAL_COUNT || args->set_tid_size)
		return -EINVAL;
	if ((flags & CLONE_SHARED) != (flags & CLONE_THREAD ? CLONE_SHARED : 0))
		return -EINVAL;
	if (flags & CLONE_THREAD && (!(flags & CLONE_VM) || flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if (flags & CLONE_SETTLS && args->tls >= USER_MAX)
		return -EPERM;
	return 0;
}

/* RLIMIT_NPROC counts threads; every user is root, and root is bound by it here, or a fork bomb
 * would leave nothing.  Init may always make a few more, to clear up. */
static int check_count(void)
{
	struct process *p = current_process();
	u64 limit = MIN(process_limit(p, RLIMIT_NPROC), (u64)thread_limit);

	if (p == init_process)
		limit += 16;
	return threads_total() >= limit ? -EAGAIN : 0;
}

/* What the child does first, on its own stack: only now is its memory the current one. */
static void child_begin(void *child_tid)
{
	if (child_tid) /* an address that is no good is the program's own trouble (Linux) */
		(void)!put_user_u32(child_tid, (u32)current_thread()->tid);
}

static struct thread *copy_thread(const struct clone_args *args)
{
	struct thread *self = current_thread(), *t;
	u64 flags = args->flags;
	struct trap_frame *frame;
	tid_t tid;

	t = thread_create_user(self->name, child_begin,
			       flags & CLONE_CHILD_SETTID ? (void *)args->child_tid : NULL);
	if (IS_ERR(t))
		return t;
	tid = tid_alloc();
	if (tid < 0) {
		thread_put(t);
		return ERR_PTR(tid);
	}
	t->tid = tid;
	frame = thread_frame(t);
	*frame = *thread_frame(self);
	frame->rax = 0;
	frame->error = (u64)-1;
	if (args->stack)
		frame->rsp = args->stack + args->stack_size;
	preempt_disable();
	fpu_save(self->arch.fpu);
	preempt_enable();
	memcpy(t->arch.fpu, self->arch.fpu, fpu_area_size);
	segments_save(&self->arch);
	t->arch.segments = self->arch.segments;
	t->arch.fs_base = self->arch.fs_base;
	t->arch.gs_base = self->arch.gs_base;
	if (flags & CLONE_SETTLS) {
		t->arch.segments.fs = 0;
		t->arch.fs_base = args->tls;
	}
	t->affinity = self->affinity;
	t->signals.mask = self->signals.mask;
	if (!(flags & CLONE_VM) || flags & CLONE_VFORK)
		t->signals.altstack = self->signals.altstack;
	if (flags & CLONE_CHILD_CLEARTID)
		t->clear_tid_address = args->child_tid;
	process_event(clone, t);
	return t;
}

/* Give back a thread that has never run. */
static void discard_thread(struct thread *t)
{
	tid_free(t->tid);
	thread_put(t);
}

/* --- A thread in this process ----------------------------------------------------------------- */

static long clone_thread(struct thread *t)
{
	struct process *p = current_process();
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signals.lock);
	int error = signal_dying(current_thread()) ? -ERESTARTNOINTR : seed_inherit(t);

	if (!error) {
		t->pmap = &p->space->pmap;
		thread_link(t, p);
		if (p->stop.stopped)
			p->stop.threads_to_stop++;
		signal_recalculate(t);
	}
	spin_unlock_irq(&p->signals.lock, inner);
	spin_unlock_irq(&process_lock, flags);
	return error;
}

/* --- A process -------------------------------------------------------------------------------- */

/* Give back a process that no thread has run in. */
static void discard_process(struct process *child)
{
	if (!IS_ERR(child->space))
		address_space_put(child->space);
	if (!IS_ERR(child->files))
		file_table_put(child->files);
	inode_put(child->fs.cwd);
	if (child->executable)
		file_put(child->executable);
	process_put(child);
}

/* The working directory and the umask. */
static void inherit_directory(struct process *child, struct process *parent)
{
	mutex_lock(&parent->fs.lock);
	child->fs.umask = parent->fs.umask;
	child->fs.cwd = parent->fs.cwd;
	inode_get(child->fs.cwd);
	mutex_unlock(&parent->fs.lock);
}

/* Only the address space may be shared. */
static struct process *copy_process(const struct clone_args *args)
{
	struct process *p = current_process(), *child = process_create(p);

	if (!child)
		return ERR_PTR(-ENOMEM);
	inherit_directory(child, p);
	child->exit_signal = (int)args->exit_signal;
	if (args->flags & CLONE_CLEAR_SIGHAND) {
		u64 flags = spin_lock_irq(&child->signals.lock);

		signal_actions_reset(child);
		spin_unlock_irq(&child->signals.lock, flags);
	}
	child->files = file_table_copy(p->files);
	if (args->flags & CLONE_VM) {
		address_space_get(p->space);
		child->space = p->space;
	} else {
		child->space = address_space_fork(p->space);
	}
	child->executable = p->executable;
	if (child->executable)
		file_get(child->executable);
	if (!IS_ERR(child->files) && !IS_ERR(child->space))
		return child;
	discard_process(child);
	return ERR_PTR(-ENOMEM);
}

/* A signal that was sent to many processes while we copied must not miss the child: the parent
 * takes it first, and then forks again.  So too where it waits to be taken already. */
static int link_process(struct process *child, struct thread *t, u32 signals_before)
{
	struct thread *self = current_thread();
	struct process *p = self->process;
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signals.lock);
	int error = 0;

	if (signal_dying(self) || p->signals.group_signals != signals_before)
		error = -ERESTARTNOINTR;
	spin_unlock_irq(&p->signals.lock, inner);
	if (!error)
		error = seed_inherit(t);
	if (!error) {
		child->pid = t->tid;
		child->job.group = p->job.group;
		child->job.session = p->job.session;
		child->job.tty = p->job.tty;
		child->leader = t;
		t->pmap = &child->space->pmap;
		process_link(child, p);
		inner = spin_lock_irq(&child->signals.lock);
		thread_link(t, child);
		spin_unlock_irq(&child->signals.lock, inner);
	}
	spin_unlock_irq(&process_lock, flags);
	return error;
}

/* Wait until the child has a space of its own, or has ended; only death ends the wait early. */
static void wait_for_vfork(struct process *child)
{
	u64 flags = spin_lock_irq(&process_lock);

	while (!child->exec.has_left_space)
		if (wait_sleep_irq(&child->exec.wait, &process_lock, WAIT_FOREVER, WAIT_KILLABLE) <
		    0)
			break;
	spin_unlock_irq(&process_lock, flags);
}

static int begin_fork(u32 *signals)
{
	struct thread *self = current_thread();
	struct process *p = self->process;
	u64 flags = spin_lock_irq(&p->signals.lock);
	bool owed;

	signal_recalculate(self);
	owed = READ_ONCE(self->pending_work) & WORK_SIGNAL;
	*signals = p->signals.group_signals;
	spin_unlock_irq(&p->signals.lock, flags);
	return owed ? -ERESTARTNOINTR : 0;
}

static long clone_process(struct thread *t, const struct clone_args *args, struct process **out)
{
	struct process *child;
	u32 signals;
	int error = begin_fork(&signals);

	if (error)
		return error;
	child = copy_process(args);
	if (IS_ERR(child))
		return PTR_ERR(child);
	error = link_process(child, t, signals);
	if (error) {
		discard_process(child);
		return error;
	}
	*out = child; /* our reference, kept for vfork() */
	return 0;
}

long process_clone(const struct clone_args *args)
{
	struct process *child = NULL;
	struct thread *t;
	tid_t tid;
	long error = check_flags(args);

	if (!error)
		error = check_count();
	if (error)
		return error;
	t = copy_thread(args);
	if (IS_ERR(t))
		return PTR_ERR(t);
	tid = t->tid;
	error = args->flags & CLONE_THREAD ? clone_thread(t) : clone_process(t, args, &child);
	if (error) {
		discard_thread(t);
		return error;
	}
	trace_thread(TRACE_FORK, t, 0, 0);
	if (args->flags & CLONE_PARENT_SETTID) /* Linux ignores a bad address, too */
		(void)!put_user_u32((u32 *)args->parent_tid, (u32)tid);
	thread_start(t);
	if (child) {
		if (args->flags & CLONE_VFORK)
			wait_for_vfork(child);
		process_put(child);
	}
	return tid;
}
