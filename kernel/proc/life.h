/* SPDX-License-Identifier: MIT
 *
 * The life of a process: fork, exec, exit, wait, and process 1.
 */
#pragma once

#include "kernel/task/use.h"

struct fs_context;

/* --- fork.c ---------------------------------------------------------------------------------- */

/* struct clone_args of clone3(), up to cgroup. */
struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	u64 set_tid, set_tid_size, cgroup;
};

/* fork(), vfork(), clone() and clone3().  Returns the new TID in the parent, or an error.  With
 * CLONE_VFORK it sleeps until the child execs or exits.  If `stack_size` is 0, `stack` is the
 * initial stack pointer itself, as for clone(). */
long process_clone(const struct clone_args *args);

/* --- share.c --------------------------------------------------------------------------------- */

/* Stop sharing with other processes what the bits CLONE_FILES, CLONE_FS and CLONE_SIGHAND in
 * `unshare` name: the calling process, which has one thread, gets copies.  0 or -ENOMEM.  Sleeps.
 */
int process_unshare(u64 unshare);

/* Drop a reference; NULL: do nothing.  Sleeps. */
void fs_context_put(struct fs_context *fs);

/* --- exec.c ---------------------------------------------------------------------------------- */

/* Replace the calling process's image.  `argv` and `envp` are user arrays, or kernel arrays if
 * `from_kernel` is true.  On error the old image is unchanged.  On success returns 0, and the
 * caller's trap frame starts the new program.  Sleeps. */
long process_exec(const char *path, u64 argv, u64 envp, bool from_kernel);

/* --- exit.c ----------------------------------------------------------------------------------- */

/* End the calling thread, or all threads of its process.  `wait_status` is the exit code << 8, or
 * the number of the signal that killed it. */
void thread_exit(int wait_status) noreturn;
void process_exit_group(int wait_status) noreturn;

/* --- wait.c ----------------------------------------------------------------------------------- */

enum wait_id { WAIT_ID_ALL, WAIT_ID_PID, WAIT_ID_GROUP };

struct wait_result {
	pid_t pid;
	int status; /* as in wait4() */
	int code;   /* CLD_* */
	u32 uid;
	struct resource_use use;
};

/* 1: *result is filled.  0: WNOHANG is set, and no child has anything to report.  -ECHILD: there is
 * no matching child.  -ERESTARTSYS: interrupted by a signal.  Sleeps. */
int process_wait(enum wait_id type, pid_t id, u32 options, struct wait_result *result);

/* --- init.c ----------------------------------------------------------------------------------- */

/* Create process 1, whose first thread calls begin(NULL) and then runs the program that `begin` has
 * set up by process_exec().  Panics if there is no memory. */
void process_start_init(void (*begin)(void *));
