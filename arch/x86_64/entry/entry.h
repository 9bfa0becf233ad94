/* SPDX-License-Identifier: MIT
 *
 * The roof: where system calls, exceptions and interrupts enter, and the only way back.
 */
#pragma once

#include "arch/x86_64/trap_frame.h"

/* The IDT, the hooks that lower floors need of the roof (way to user mode, panic report). */
void entry_init(void);

/* MSRs for SYSCALL, on each CPU. */
void entry_init_cpu(void);

/* From the assembly: a trap or interrupt with its frame, interrupts off. */
void trap_dispatch(struct trap_frame *frame);

/* From the assembly, with interrupts off: everything owed before user mode is entered. */
void entry_exit_work(struct trap_frame *frame);

/* Words for a trap number. */
const char *trap_name(u32 vector);
