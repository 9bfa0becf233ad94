/* SPDX-License-Identifier: MIT
 *
 * Between the files that make /proc/PID.
 *
 * A file is a function show_NAME that writes its text; THREAD_FILE and SPACE_FILE make of it the
 * one that /proc calls, which finds the thread, or its address space, by number first.
 */
#pragma once

#include "kernel/linux/proc/procfs.h"
#include "kernel/task/process.h"

/* Text about a thread (tid 0: the leader) and its process, which stay while `show` runs. */
int procinfo_thread(pid_t pid, tid_t tid, struct text *text,
		    void (*show)(struct thread *t, struct process *p, struct text *text));

/* Text about an address space; nothing where there is none any more (as Linux). */
int procinfo_space(pid_t pid, struct text *text,
		   void (*show)(struct address_space *as, struct text *text));

#define THREAD_FILE(name)                                                                          \
	static int make_##name(pid_t pid, tid_t tid, struct text *text)                            \
	{                                                                                          \
		return procinfo_thread(pid, tid, text, show_##name);                               \
	}

#define SPACE_FILE(name)                                                                           \
	static int make_##name(pid_t pid, tid_t tid, struct text *text)                            \
	{                                                                                          \
		return procinfo_space(pid, text, show_##name);                                     \
	}

#define FILE_MODE (S_IFREG | 0444)

void procinfo_memory_init(void);
void procinfo_heddle_init(void);

/* Register the files of /proc/PID. */
void process_procfs_init(void);
