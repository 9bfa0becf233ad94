/* SPDX-License-Identifier: MIT */

#include "kernel/log/log.h"

/* fork() and clone(): create the new thread of the calling thread.  It is in no table and no
 * process yet; the caller of this function does that.  Returns it, or ERR_PTR(-ENOMEM),
 * ERR_PTR(-EAGAIN). Sleeps.
 *
 * thread_create_user(name, fn, arg) makes a thread with a kernel stack, an FPU area in its initial
 * state and a place for the frame of user registers (thread_frame()); its first function there is
 * child_begin(), whose argument is the address where the new thread writes its TID
 * (CLONE_CHILD_SETTID), or NULL.  tid_alloc() returns a TID, or an error: then drop the thread.
 *
 * The new thread has of the caller:
 * - every register of user mode, but the system call returns 0 in it.  args->stack, if not 0, is
 * the bottom of a stack of its own, args->stack_size its size (0: args->stack is the top).
 * - the state of the FPU as it is now.  It may be in the registers alone: fpu_save() stores it in
 *   the area, and what it has stored in arch.fpu_saved.
 * - segment selectors and bases.  segments_save() stores the caller's selectors.  With
 * CLONE_SETTLS, args->tls is the FS base and the selector is 0.
 * - the CPUs that it may use, its credentials, the signals that it blocks; the alternate signal
 * stack only if the two threads cannot use it at the same time: without CLONE_VM, or with
 * CLONE_VFORK. clear_tid_address is args->child_tid with CLONE_CHILD_CLEARTID.  Last,
 * process_event(clone, t) tells the extensions. */
static struct thread *copy_thread(const struct clone_args *args)
{
	/* Here: there is no copy, so every fork() fails, and the shell cannot start. */
	log_info("exercise fork-thread: copy_thread() is not written yet");
	(void)child_begin;
	(void)args;
	return ERR_PTR(-EAGAIN);
}
