/* SPDX-License-Identifier: MIT
 *
 * Declarations shared by the files of kernel/proc.
 */
#pragma once

#include "kernel/fs/file_table.h"
#include "kernel/fs/vfs.h"
#include "kernel/lib/abi.h"
#include "kernel/proc/life.h"
#include "kernel/task/internal.h"
#include "kernel/vm/address_space.h"

/* Drop the references that the tables held to a zombie and to its leader.  The process must be out
 * of the tables already.  No lock is held. */
void process_reap(struct process *p);

/* Update the words in user memory by which other threads see that `t` has ended: its robust list
 * (set_robust_list(2)), and the word of CLONE_CHILD_CLEARTID, whose waiter is woken.  `t` is the
 * caller and still has its address space.  Sleeps. */
void thread_release_user_words(struct thread *t);

/* --- share.c ---------------------------------------------------------------------------------- */

#define CLONE_SHARED (CLONE_FILES | CLONE_FS | CLONE_SIGHAND)

/* Give a new process what the bits of CLONE_SHARED in `share` name of `p` itself, which is the caller
 * or process 0, and copies of the rest.  0 or -ENOMEM.  Sleeps. */
int process_share(struct process *child, struct process *p, u64 share);

/* Free a process in which no thread has run, with all that it has so far.  Sleeps. */
void process_discard(struct process *child);

/* --- signal_frame.c --------------------------------------------------------------------------- */

/* Save the registers in `f`, the FPU state and `mask` on the user stack, and change `f` so that it
 * starts the handler.  -EFAULT: no room on the stack, or the handler or restorer is not valid.  No
 * lock is held; sleeps. */
int signal_frame_build(struct trap_frame *f, int signal, const struct sigaction *action,
		       const struct siginfo *info, sigset_t mask);

/* --- elf.c ------------------------------------------------------------------------------------ */

struct elf_image {
	u64 entry;	   /* first instruction: the interpreter's, if there is one */
	u64 program_entry; /* AT_ENTRY */
	u64 base;	   /* AT_BASE: the interpreter's load address */
	u64 headers;	   /* AT_PHDR; 0 if the program headers are not in memory */
	u32 header_count;
	bool executable_stack;
};

/* Map the program (and its interpreter) into an empty address space.  -ENOEXEC or another error;
 * the caller then destroys the address space, which may be half filled.  Sleeps. */
int elf_load(struct address_space *as, struct file *file, struct elf_image *image);
