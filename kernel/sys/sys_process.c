/* SPDX-License-Identifier: MIT
 *
 * Processes: making, replacing, ending, waiting; groups and sessions; what a thread library needs.
 */
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/segments.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/life.h"
#include "kernel/sys/calls.h"
#include "kernel/task/group.h"

/* --- fork, clone, exec, exit ------------------------------------------------------------------ */

SYSCALL0(fork)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	return process_clone(&args);
}

SYSCALL0(vfork)
{
	struct clone_args args = {.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD};

	return process_clone(&args);
}

SYSCALL5(clone, flags, stack, parent_tid, child_tid, tls)
{
	struct clone_args args = {.flags = (u32)flags & ~(u32)CSIGNAL,
				  .exit_signal = flags & CSIGNAL,
				  .pidfd = parent_tid,
				  .parent_tid = parent_tid,
				  .child_tid = child_tid,
				  .stack = stack,
				  .tls = tls};

	if (args.exit_signal > SIGNAL_COUNT)
		return -EINVAL;
	return process_clone(&args);
}

SYSCALL3(execve, path, argv, envp)
{
	char *text = string_get(path);
	long error;

	if (IS_ERR(text))
		return PTR_ERR(text);
	error = process_exec(text, argv, envp, false);
	kfree(text);
	return error;
}

SYSCALL1(exit, code)
{
	thread_exit((int)(code & 0xff) << 8);
}

SYSCALL1(exit_group, code)
{
	process_exit_group((int)(code & 0xff) << 8);
}

/* --- wait ------------------------------------------------------------------------------------- */

SYSCALL4(wait4, pid, user_status, options, usage)
{
	pid_t id = (pid_t)pid;
	enum wait_id type = id > 0 ? WAIT_ID_PID : id == -1 ? WAIT_ID_ALL : WAIT_ID_GROUP;
	struct wait_result w;
	int result;

	if ((u32)options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (id == INT32_MIN)
		return -ESRCH;
	if (type == WAIT_ID_GROUP)
		id = id ? -id : current_process()->job.group;
	result = process_wait(type, id, (u32)options | WEXITED, &w);
	if (result <= 0)
		return result;
	if (user_status && put_user_u32((u32 *)user_status, (u32)w.status))
		return -EFAULT;
	if (usage && rusage_put(usage, &w.use))
		return -EFAULT;
	return w.pid;
}

/* --- Numbers, groups, sessions ---------------------------------------------------------------- */

CALL(getpid, current_process()->pid)
CALL(gettid, current_thread()->tid)

/* Without a lock.  Only an ancestor adopts a process, so one that was its parent once and is no more
 * never is again: an unchanged `parent` has been the parent, and has existed, in between.  (Else its
 * memory may have been freed; that can be read, and what was read is not used.)  A processor does
 * not execute two loads in the other order (SDM 3A 8.2.2). */
SYSCALL0(getppid)
{
	struct process *p = current_process(), *parent;
	pid_t pid;

	do {
		parent = READ_ONCE(p->parent);
		pid = READ_ONCE(parent->pid);
	} while (unlikely(parent != READ_ONCE(p->parent)));
	return pid;
}

/* A number of a process (0: the caller's), or -ESRCH. */
static long group_or_session(pid_t pid, bool session)
{
	struct process *p = process_find(pid ? pid : current_process()->pid);
	long result;

	if (!p)
		return -ESRCH;
	result = session ? READ_ONCE(p->job.session) : READ_ONCE(p->job.group);
	process_put(p);
	return result;
}

CALL(getpgrp, READ_ONCE(current_process()->job.group))
CALL(getpgid, group_or_session((pid_t)a, false))
CALL(getsid, group_or_session((pid_t)a, true))
CALL(setpgid, process_set_group((pid_t)a, (pid_t)b))
CALL(setsid, process_new_session())

/* --- User and group ids ----------------------------------------------------------------------- */

CALL(getuid, current_thread()->credentials.uid)
CALL(geteuid, current_thread()->credentials.euid)
CALL(getgid, current_thread()->credentials.gid)
CALL(getegid, current_thread()->credentials.egid)

/* --- Threads ---------------------------------------------------------------------------------- */

SYSCALL1(set_tid_address, address)
{
	struct thread *t = current_thread();

	t->clear_tid_address = address;
	return t->tid;
}

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

SYSCALL2(arch_prctl, code, address)
{
	struct thread *t = current_thread();

	switch ((u32)code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (address >= USER_MAX)
			return -EPERM;
		if ((u32)code == ARCH_SET_FS)
			segments_set_fs_base(&t->arch, address);
		else
			segments_set_gs_base(&t->arch, address);
		return 0;
	case ARCH_GET_FS:
		segments_save(&t->arch);
		return put_user_u64((u64 *)address, t->arch.fs_base);
	case ARCH_GET_GS:
		segments_save(&t->arch);
		return put_user_u64((u64 *)address, t->arch.gs_base);
	}
	return -EINVAL;
}
