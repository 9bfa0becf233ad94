/* SPDX-License-Identifier: MIT
 *
 * fork(), vfork(), clone() and clone3() create a process, or a thread in the calling process
 * (clone(2)).
 *
 * Descriptors, working directory and signal actions belong to the process: all its threads share
 * them.  So CLONE_THREAD needs CLONE_FILES, CLONE_FS and CLONE_SIGHAND; on Linux it needs the last
 * only.  Without CLONE_THREAD, each of the three alone shares one thing between two processes.
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

/* Heddle has no namespaces (mount, cgroup, UTS, IPC, user, PID, network, time): these flags fail
 * with -EINVAL, as on a Linux that was built without them. */
#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define CLONE_KNOWN (0xffffffffUL | CLONE_CLEAR_SIGHAND)

/* 0, or -EINVAL or -EPERM as clone(2) lists them. */
static int check_flags(const struct clone_args *args)
{
	u64 flags = args->flags;

	if (flags & CLONE_NAMESPACES || flags & ~CLONE_KNOWN || args->exit_signal > SIGNAL_COUNT ||
	    args->set_tid_size)
		return -EINVAL;
	if (flags & CLONE_THREAD && ((flags & CLONE_SHARED) != CLONE_SHARED || flags & CLONE_PIDFD))
		return -EINVAL;
	if (flags & CLONE_SIGHAND && (!(flags & CLONE_VM) || flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	/* No process may become a sibling of init, which nobody would wait for. */
	if (flags & CLONE_PARENT && current_process() == init_process)
		return -EINVAL;
	if (flags & CLONE_SETTLS && args->tls >= USER_MAX)
		return -EPERM;
	return 0;
}

/* Count a new thread of the calling thread's user.  -EAGAIN if RLIMIT_NPROC, which counts threads,
 * or the machine's limit is reached.  The latter binds root, too, so that a fork bomb does not use
 * all memory; init may exceed it by 16 threads, so that it can clean up. */
static int check_count(void)
{
	u32 limit = thread_limit + (current_process() == init_process ? 16 : 0);

	return READ_ONCE(threads_linked) >= limit ? -EAGAIN : user_admit_thread();
}

/* The new thread's first function, on its own stack.  The TID is written here because
 * put_user_u32() needs the child's address space, which is loaded only when the child runs. */
static void child_begin(void *child_tid)
{
	/* A bad address is not reported, as on Linux.  `(void)!` ignores a __must_check result. */
	if (child_tid)
		(void)!put_user_u32(child_tid, (u32)current_thread()->tid);
}

/* Create a thread with a TID, and with the caller's registers except RAX = 0 and what `args`
 * change.  It is in no table and no process yet.  ERR_PTR(-ENOMEM, -EAGAIN).  Sleeps. */
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
	if (args->stack)
		frame->rsp = args->stack + args->stack_size;
	fpu_save(&self->arch);
	memcpy(t->arch.fpu, self->arch.fpu, fpu_area_size);
	t->arch.fpu_saved = self->arch.fpu_saved;
	t->arch.fpu_turns = self->arch.fpu_turns;
	segments_save(&self->arch);
	t->arch.segments = self->arch.segments;
	t->arch.fs_base = self->arch.fs_base;
	t->arch.gs_base = self->arch.gs_base;
	if (flags & CLONE_SETTLS) {
		t->arch.segments.fs = 0;
		t->arch.fs_base = args->tls;
	}
	t->affinity = self->affinity;
	t->credentials = self->credentials;
	t->signals.mask = self->signals.mask;
	/* An alternate stack must not serve two threads at once, so a child that shares the memory
	 * starts without one.  A vfork() child keeps it: its parent is suspended (sigaltstack(2)).
	 */
	if (!(flags & CLONE_VM) || flags & CLONE_VFORK)
		t->signals.altstack = self->signals.altstack;
	if (flags & CLONE_CHILD_CLEARTID)
		t->clear_tid_address = args->child_tid;
	process_event(clone, t);
	return t;
}

/* --- A thread in this process ----------------------------------------------------------------- */

/* Add `t` to the calling process.  -ERESTARTNOINTR if the process is ending: the caller then takes
 * its signal first. */
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

/* Create a child with copies of all that the caller's process has, except what the flags let it
 * share.  The child is in no table yet.  ERR_PTR(-ENOMEM).  Sleeps. */
static struct process *copy_process(const struct clone_args *args)
{
	struct process *p = current_process(), *child = process_create(p);

	if (!child)
		return ERR_PTR(-ENOMEM);
	if (process_share(child, p, args->flags))
		goto no_memory;
	child->exit_signal = args->flags & CLONE_PARENT ? p->exit_signal : (int)args->exit_signal;
	if (args->flags & CLONE_CLEAR_SIGHAND)
		signal_actions_reset(child->signals.actions);
	if (args->flags & CLONE_VM) {
		address_space_get(p->space);
		child->space = p->space;
	} else {
		child->space = address_space_fork(p->space);
	}
	child->executable = p->executable;
	if (child->executable)
		file_get(child->executable);
	if (!IS_ERR(child->space))
		return child;
	child->space = NULL;
no_memory:
	process_discard(child);
	return ERR_PTR(-ENOMEM);
}

/* Put the child and its thread into the tables and into the family.  -ERESTARTNOINTR if a signal
 * was sent to our process group, or to all processes, since begin_fork() counted `signals_before`:
 * the child was not yet a member, so the parent must take the signal and then fork again. */
static int link_process(struct process *child, struct thread *t, u64 clone_flags,
			u32 signals_before)
{
	struct thread *self = current_thread();
	struct process *p = self->process;
	u64 flags = spin_lock_irq(&process_lock), inner = spin_lock_irq(&p->signals.lock);
	bool again = signal_dying(self) || p->signals.group_signals != signals_before ||
		     (WITH_CROWD && crowd_signal_expected(p));
	int error = again ? -ERESTARTNOINTR : seed_inherit(t);

	if (again)
		thread_notify(self, WORK_SIGNAL); /* even if the signal is blocked */
	spin_unlock_irq(&p->signals.lock, inner);
	if (!error) {
		child->pid = t->tid;
		child->job.group = p->job.group;
		child->job.session = p->job.session;
		child->job.tty = p->job.tty;
		child->leader = t;
		t->pmap = &child->space->pmap;
		process_link(child, clone_flags & CLONE_PARENT ? p->parent : p);
		inner = spin_lock_irq(&child->signals.lock);
		thread_link(t, child);
		spin_unlock_irq(&child->signals.lock, inner);
	}
	spin_unlock_irq(&process_lock, flags);
	return error;
}

/* Sleep until the child has left the shared address space, by exec or exit.  Only a fatal signal
 * to the parent ends the wait early. */
static void wait_for_vfork(struct process *child)
{
	u64 flags = spin_lock_irq(&process_lock);

	while (!child->exec.has_left_space)
		if (wait_sleep_irq(&child->exec.wait, &process_lock, WAIT_FOREVER, WAIT_KILLABLE) <
		    0)
			break;
	spin_unlock_irq(&process_lock, flags);
}

/* -ERESTARTNOINTR if a signal is pending: the caller takes it before it copies anything, and then
 * forks again.  Else 0, with the count of group signals in *signals, for link_process(). */
static int begin_fork(u32 *signals)
{
	struct thread *self = current_thread();
	struct process *p = self->process;
	u64 flags;

	if (WITH_CROWD)
		crowd_signal_await(p);
	flags = spin_lock_irq(&p->signals.lock);
	signal_recalculate(self);
	*signals = p->signals.group_signals;
	spin_unlock_irq(&p->signals.lock, flags);
	return READ_ONCE(self->pending_work) & WORK_SIGNAL ? -ERESTARTNOINTR : 0;
}

/* Create the child process whose first thread is `t`.  On success *out has a reference that the
 * caller drops. */
static long clone_process(struct thread *t, const struct clone_args *args, struct process **out)
{
	struct process *child;
	u32 signals;
	int error = begin_fork(&signals), pidfd = -1;

	if (error)
		return error;
	child = copy_process(args);
	if (IS_ERR(child))
		return PTR_ERR(child);
	if (args->flags & CLONE_PIDFD)
		error = pidfd = pidfd_make(child, args);
	if (error >= 0)
		error = link_process(child, t, args->flags, signals);
	if (error < 0) {
		if (pidfd >= 0)
			(void)fd_close((u32)pidfd);
		process_discard(child);
		return error;
	}
	*out = child; /* process_clone() may wait for it (vfork()) */
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
		tid_free(tid);
		thread_put(t); /* which has never run */
		return error;
	}
	trace_thread(TRACE_FORK, t, 0, 0);
	if (args->flags & CLONE_PARENT_SETTID) /* a bad address is not reported, as on Linux */
		(void)!put_user_u32((u32 *)args->parent_tid, (u32)tid);
	if (ptrace_on(current_thread()))
		ptrace_start(t, args->flags, args->exit_signal);
	else
		thread_start(t);
	if (child) {
		if (args->flags & CLONE_VFORK)
			wait_for_vfork(child);
		process_put(child);
	}
	return tid;
}
