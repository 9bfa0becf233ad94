/* SPDX-License-Identifier: MIT
 *
 * What a kernel that stops has to say.
 */
#pragma once

#include "arch/x86_64/cpu/trap_frame.h"

void panic_report_init(void);

/* panic(), with the registers of `frame` in the report instead of the caller's. */
void panic_at(const struct trap_frame *frame, const char *fmt, ...) noreturn __printf(2, 3);

/* Is the calling CPU the one that writes the report? */
bool panic_reports_here(void);

/* From the NMI handler of a CPU that another's panic stops: halt, and let the report say where. */
void panic_stop_here(const struct trap_frame *frame) noreturn;
