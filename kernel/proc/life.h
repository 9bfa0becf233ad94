/* SPDX-License-Identifier: MIT
 *
 * The life of a process: fork, exec, exit, wait, and process 1.
 */
#pragma once

#include "kernel/task/use.h"

/* --- fork.c ---------------------------------------------------------------------------------- */

/* struct clone_args of clone3(), up to cgroup. */
struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	u64 set_tid, set_tid_size, cgroup;
};

/* All of fork, vfork, clone and clone3: the new TID (in the parent), or an error.  With CLONE_VFORK
 * waits for the child.  `stack_size` 0: `stack` is the top already. */
long process_clone(const struct clone_args *args);

/* --- exec.c ---------------------------------------------------------------------------------- */

/* Replace the calling process's image.  `argv` and `envp` are user arrays, or kernel arrays where
 * `from_kernel`.  On error the old image is whole, as nothing fails once it is touched; on success
 * 0, the caller's trap frame being the new program's. */
long process_exec(const char *path, u64 argv, u64 envp, bool from_kernel);

/* --- exit.c ------------------------------------------------------------------------------------- */

/* The calling thread ends, or all threads of its process do.  Both in wait-status form: code << 8,
 * or the signal. */
void thread_exit(int wait_status) noreturn;
void process_exit_group(int wait_status) noreturn;

/* --- wait.c ----------------------------------------------------------------------------------- */

enum wait_id { WAIT_ID_ALL, WAIT_ID_PID, WAIT_ID_GROUP };

struct wait_result {
	pid_t pid;
	int status; /* as wait4() gives it */
	int code;   /* CLD_* */
	u32 uid;
	struct resource_use use;
};

/* 1: *result is filled; 0: WNOHANG and none; -ECHILD, -ERESTARTSYS.  Sleeps. */
int process_wait(enum wait_id type, pid_t id, u32 options, struct wait_result *result);

/* --- init.c ----------------------------------------------------------------------------------- */

/* Give process 0 a working directory, a umask and a descriptor table.  After vfs_init(). */
void process_start_directory(void);

/* Make PID 1 and let it exec `path` (init=, or /init, /sbin/init, /bin/sh); stops the kernel with a
 * clear message where none can be run. */
void process_start_init(void);
