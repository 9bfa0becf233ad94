/* SPDX-License-Identifier: MIT
 *
 * Processes: making, replacing, ending, waiting; groups and sessions; what a thread library needs.
 */
#include "arch/x86_64/cpu/layout.h"
#include "arch/x86_64/cpu/segments.h"
#include "arch/x86_64/pc/power.h"
#include "kernel/lib/abi.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/mem/slab.h"
#include "kernel/proc/life.h"
#include "kernel/sys/calls.h"
#include "kernel/task/group.h"

/* --- fork, clone, exec, exit ------------------------------------------------------------------ */

#define CSIGNAL 0xff

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

#define CLONE_ARGS_SIZE_FIRST 64 /* the structure's first version: up to tls */

/* clone3(2): a structure may be larger than the kernel's if the part that it does not know is
 * zero. */
SYSCALL2(clone3, user, size)
{
	struct clone_args args = {0};
	u8 rest;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_FIRST)
		return -EINVAL;
	for (u64 i = sizeof(args); i < size; i++) {
		if (copy_from_user(&rest, (void *)(user + i), 1))
			return -EFAULT;
		if (rest)
			return -E2BIG;
	}
	if (copy_from_user(&args, (void *)user, MIN(size, sizeof(args))))
		return -EFAULT;
	if (args.flags & (CSIGNAL | CLONE_DETACHED) || args.exit_signal > SIGNAL_COUNT ||
	    !args.stack != !args.stack_size || args.set_tid || args.set_tid_size)
		return -EINVAL;
	if (args.stack && !user_range_ok(args.stack, args.stack_size))
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

static s32 wait_info_status(const struct wait_result *w)
{
	switch (w->code) {
	case CLD_EXITED:
	case CLD_STOPPED:
	case CLD_TRAPPED:
		return w->status >> 8 & 0xff;
	case CLD_CONTINUED:
		return SIGCONT;
	default:
		return w->status & 0x7f;
	}
}

#define P_ALL  0
#define P_PID  1
#define P_PGID 2

SYSCALL5(waitid, which, number, user, options, usage)
{
	struct siginfo info = {0};
	struct wait_result w;
	enum wait_id type = WAIT_ID_ALL;
	pid_t id = (pid_t)number;
	int result;

	if ((u32)options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			     __WCLONE | __WALL) ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if ((u32)which == P_PID)
		type = WAIT_ID_PID;
	else if ((u32)which == P_PGID)
		type = WAIT_ID_GROUP;
	else if ((u32)which != P_ALL)
		return -EINVAL;
	if (id < 0 && type != WAIT_ID_ALL)
		return -EINVAL;
	if (!id && type == WAIT_ID_PID)
		return -EINVAL;
	if (!id && type == WAIT_ID_GROUP)
		id = current_process()->job.group;
	result = process_wait(type, id, (u32)options, &w);
	if (result < 0)
		return result;
	if (result) {
		info.signo = SIGCHLD;
		info.code = w.code;
		info.child.pid = w.pid;
		info.child.uid = w.uid;
		info.child.status = wait_info_status(&w);
		if (usage && rusage_put(usage, &w.use))
			return -EFAULT;
	}
	return user ? copy_to_user((void *)user, &info, sizeof(info)) : 0;
}

/* --- Numbers, groups, sessions ---------------------------------------------------------------- */

CALL(getpid, current_process()->pid)
CALL(gettid, current_thread()->tid)

SYSCALL0(getppid)
{
	u64 flags = spin_lock_irq(&process_lock);
	struct process *parent = current_process()->parent;
	pid_t pid = parent ? parent->pid : 0;

	spin_unlock_irq(&process_lock, flags);
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

#define PR_SET_PDEATHSIG 1
#define PR_SET_NAME	 15
#define PR_GET_NAME	 16
#define NAME_SIZE	 16 /* of prctl()'s thread names, with the NUL */

static long set_name(u64 user)
{
	char name[NAME_SIZE];
	/* A longer name is cut: the first NAME_SIZE bytes are copied, and none of them is a NUL. */
	ssize_t n = copy_string_from_user(name, (const char *)user, NAME_SIZE);

	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[NAME_SIZE - 1] = 0;
	thread_set_name(current_thread(), name);
	return 0;
}

SYSCALL2(prctl, option, argument)
{
	char name[NAME_SIZE] = "";

	switch ((u32)option) {
	case PR_SET_PDEATHSIG:
		if (argument > SIGNAL_COUNT)
			return -EINVAL;
		WRITE_ONCE(current_process()->signals.parent_death, (int)argument);
		return 0;
	case PR_SET_NAME:
		return set_name(argument);
	case PR_GET_NAME:
		strscpy(name, current_thread()->name, sizeof(name));
		return copy_to_user((void *)argument, name, sizeof(name));
	}
	return -EINVAL;
}

/* personality(2): there is one; addresses are not randomized anyway. */
CALL(personality, 0)

/* --- reboot ----------------------------------------------------------------------------------- */

#define REBOOT_MAGIC	 0xfee1dead
#define REBOOT_RESTART	 0x01234567
#define REBOOT_HALT	 0xcdef0123
#define REBOOT_CAD_ON	 0x89abcdef
#define REBOOT_CAD_OFF	 0
#define REBOOT_POWER_OFF 0x4321fedc
#define REBOOT_RESTART2	 0xa1b2c3d4

SYSCALL4(reboot, magic, magic2, command, argument)
{
	if (!is_privileged())
		return -EPERM;
	if ((u32)magic != REBOOT_MAGIC || ((u32)magic2 != 672274793 && (u32)magic2 != 85072278 &&
					   (u32)magic2 != 369367448 && (u32)magic2 != 537993216))
		return -EINVAL;
	switch ((u32)command) {
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0; /* Ctrl-Alt-Del does nothing here */
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		power_reset();
	case REBOOT_HALT:
	case REBOOT_POWER_OFF:
		power_off(EXIT_STATUS_OK);
	}
	return -EINVAL;
}
