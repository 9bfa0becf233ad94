/* SPDX-License-Identifier: MIT
 *
 * Between the files of kernel/proc.
 */
#pragma once

#include "kernel/fs/file_table.h"
#include "kernel/fs/vfs.h"
#include "kernel/proc/life.h"
#include "kernel/task/internal.h"
#include "kernel/vm/address_space.h"

/* Free what a zombie still has.  No lock is held; the process is out of the tables. */
void process_reap(struct process *p);

/* The robust list and the word of CLONE_CHILD_CLEARTID, before the thread's memory goes. */
void thread_release_user_words(struct thread *t);

/* --- signal_frame.c --------------------------------------------------------------------------- */

/* Let `f` lead into the handler, with what it returns to on the user's stack: registers, FPU state,
 * and `mask`.  -EFAULT: no room, or no handler to go to.  No lock is held; sleeps. */
int signal_frame_build(struct trap_frame *f, int signal, const struct sigaction *action,
		       const struct siginfo *info, sigset_t mask);

/* --- elf.c ------------------------------------------------------------------------------------ */

struct elf_image {
	u64 entry;	   /* where to start: the interpreter's, if there is one */
	u64 program_entry; /* AT_ENTRY */
	u64 base;	   /* AT_BASE: the interpreter's load address */
	u64 headers;	   /* AT_PHDR, 0: not in memory */
	u32 header_count;
	bool executable_stack;
};

/* Map the program (and its interpreter) into an empty address space.  -ENOEXEC and others; the
 * space is then to be thrown away.  Sleeps. */
int elf_load(struct address_space *as, struct file *file, struct elf_image *image);
