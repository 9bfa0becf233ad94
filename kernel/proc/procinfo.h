/* SPDX-License-Identifier: MIT
 *
 * Between the two files that fill /proc/PID (struct procfs_pid_file says what each function does).
 */
#pragma once

#include "kernel/fs/procfs.h"

int procinfo_cmdline(pid_t pid, tid_t tid, struct text *text);
int procinfo_environ(pid_t pid, tid_t tid, struct text *text);
int procinfo_statm(pid_t pid, tid_t tid, struct text *text);
int procinfo_maps(pid_t pid, tid_t tid, struct text *text);
int procinfo_cwd(pid_t pid, tid_t tid, struct text *text);
int procinfo_root(pid_t pid, tid_t tid, struct text *text);
int procinfo_exe(pid_t pid, tid_t tid, struct text *text);
struct file *procinfo_follow_exe(pid_t pid, tid_t tid);
