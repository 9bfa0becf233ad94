/* SPDX-License-Identifier: MIT
 *
 * What the display offers after a panic.
 */
#pragma once

#include "kernel/lib/base.h"

struct panic_display {
	u32 columns, rows; /* in characters */
	/* Draw a text of `length` bytes of ASCII at the beginning of a row, and blanks behind it up
	 * to column `width`.  `colours`: background << 4 | foreground, by the numbers of SGR,
	 * bright ones + 8. */
	void (*row)(u32 row, u32 width, const char *text, size_t length, u8 colours);
	/* Draw a picture of side x side squares, black where `dark` is not 0 and white elsewhere,
	 * with a white margin, in the right upper corner.  Returns the number of columns that are
	 * left beside it; 0 if it does not fit, and then nothing is drawn. */
	u32 (*picture)(const u8 *dark, u32 side);
};

/* From now on the console draws nothing, and the caller draws.  NULL if there is no screen. */
const struct panic_display *display_take(void);
