/* SPDX-License-Identifier: MIT
 *
 * What panic() does: stop the other CPUs, let the extensions report, end the machine.
 */
#pragma once

#include "arch/x86_64/cpu/trap_frame.h"
#include "kernel/lib/linker_set.h"

/* Make panic() stop the machine as described above. */
void stop_init(void);

/* panic() with a report that shows the registers of `frame`. */
void panic_at(const struct trap_frame *frame, const char *fmt, ...) noreturn __printf(2, 3);

/* Handle an NMI that another CPU has sent.  If it stops this CPU for a panic, record `frame` and
 * halt; on the CPU that panics, return.  Nothing here may fault.  False: no CPU has sent it. */
bool stop_by_nmi(const struct trap_frame *frame);

/* Returns the registers of a CPU when it was stopped, or the frame that it passed to panic_at();
 * NULL if there is neither. */
const struct trap_frame *stop_frame(u32 cpu);

/* The message of the panic that is reported now, without "kernel panic: ". */
extern const char *stop_message;

/* An extension adds to the report.  All other CPUs have stopped.  The function must trust no
 * pointer and take no lock.  Notes are written in the order of their numbers. */
struct panic_note {
	void (*write)(void);
};
LINKER_SET(panic_notes, struct panic_note);

#define PANIC_NOTE(order, fn)                                                                      \
	static const struct panic_note LINKER_SET_ENTRY_AT(panic_notes, order, struct panic_note)  \
	    panic_note_##fn = {fn}
