/* SPDX-License-Identifier: MIT
 *
 * The roof: where system calls, exceptions and interrupts enter, and the only way back.
 */
#pragma once

#include "arch/x86_64/cpu/trap_frame.h"

/* The IDT, the hooks that lower floors need of the roof (way to user mode, panic report). */
void entry_init(void);

/* MSRs for SYSCALL, on each CPU. */
void entry_init_cpu(void);

/* From the assembly: a trap or interrupt with its frame, interrupts off.  Returns the frame to go
 * back by: another one where the return to user mode itself was what failed. */
struct trap_frame *trap_dispatch(struct trap_frame *frame);

/* From the assembly, on an IST stack: NMI, machine check, double fault, debug in the kernel. */
void trap_paranoid(struct trap_frame *frame);

/* From the assembly: a system call, interrupts off.  Whether SYSRET may be used to go back. */
bool syscall_enter(struct trap_frame *frame);

/* With interrupts off: everything owed before user mode is entered. */
void entry_exit_work(struct trap_frame *frame);

/* Words for a trap number. */
const char *trap_name(u32 vector);

/* Labels of entry.S: where C returns to with a trap frame above (for backtraces), and the IRET that
 * enters user mode (for its faults). */
extern char entry_syscall_return[], entry_trap_return[], entry_paranoid_return[], entry_user_iret[];
