/* SPDX-License-Identifier: MIT
 *
 * The report on the CPU that panicked, line by line, for the screen.
 */
#pragma once

#include "kernel/lib/base.h"

#define PANIC_LINES 48

struct panic_line {
	char text[160];
	bool detail; /* registers */
};

extern struct panic_line panic_lines[PANIC_LINES];
extern u32 panic_line_count;
