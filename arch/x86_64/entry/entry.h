/* SPDX-License-Identifier: MIT
 *
 * Where system calls, exceptions and interrupts enter the kernel, and the only way back to user
 * mode.
 */
#pragma once

#include "arch/x86_64/cpu/trap_frame.h"

#define VECTORS_OF_EXCEPTIONS 32

/* Error code of a page fault (SDM 3A 4.7). */
#define PF_PRESENT     1U
#define PF_WRITE       2U
#define PF_USER	       4U
#define PF_RESERVED    8U
#define PF_INSTRUCTION 16U

/* Set up the IDT, and set the hooks of lower floors (way to user mode, panic).  On the boot CPU. */
void entry_init(void);

/* Set the MSRs of SYSCALL on the calling CPU. */
void entry_init_cpu(void);

/* Called by entry.S for an exception or interrupt, with its frame, interrupts off.  Returns the
 * frame to return with; it differs from `frame` only if the IRET to user mode faulted. */
struct trap_frame *trap_dispatch(struct trap_frame *frame);

/* Called by entry.S on an IST stack: NMI, machine check, double fault, debug in the kernel. */
void trap_paranoid(struct trap_frame *frame);

/* Called by entry.S at the end of a system call if there is something to do before the return.
 * Returns with interrupts off; may sleep. */
void syscall_leave(struct trap_frame *frame);

/* Do what is pending before the thread enters user mode: switch threads, deliver signals, stop,
 * die. Called with interrupts off, and returns with interrupts off; enables them in between and may
 * sleep. */
void entry_exit_work(struct trap_frame *frame);

/* Labels in entry.S; entry_syscall_compat follows entry_syscall.  entry_user_iret: the IRET that
 * enters user mode (return.S; trap.c handles its faults). */
extern char entry_syscall[], entry_syscall_compat[];
extern char entry_trap_return[], entry_paranoid_return[], entry_user_iret[];
