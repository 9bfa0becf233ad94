/* SPDX-License-Identifier: MIT
 *
 * The interface between the display and a kind of screen.
 */
#pragma once

#include "kernel/dev/vt.h"

#define DRAW_CELLS 32

struct display_driver {
	const char *name;
	/* Prepare the screen and return its size in characters.  False: it cannot be used, and the
	 * reason is in the log. */
	bool (*open)(u32 *columns, u32 *rows);
	/* Draw up to DRAW_CELLS cells of a row, with the cursor where the flags contain VT_CURSOR.
	 * The caller holds display_lock. */
	void (*draw)(u32 column, u32 row, const struct vt_cell *cells, u32 count);
	u32 (*picture)(const u8 *dark, u32 side); /* as in struct panic_display */
};

#define PICTURE_MARGIN 4 /* squares (ISO/IEC 18004, 6.3.8) */

/* Is the square at (x, y), counted with the margin, dark? */
static inline bool picture_is_dark(const u8 *dark, u32 side, u32 x, u32 y)
{
	return x - PICTURE_MARGIN < side && y - PICTURE_MARGIN < side &&
	       dark[(y - PICTURE_MARGIN) * side + x - PICTURE_MARGIN];
}

extern const struct display_driver framebuffer_driver, vga_text_driver;

/* Set up the screen that boot_display names.  Needs mmio_map() and kmalloc(). */
void display_init(void);

/* Look at lines that have scrolled away: half a screen up (1) or down (-1); 0 returns to the
 * screen, as output of programs does.  Any context. */
void display_scroll(s32 half_screens);

/* Take what the terminal emulator answers to requests of programs: the number of bytes.  0 also if
 * a person looks at a serial line, whose terminal answers.  Any context. */
u32 display_answers(char text[VT_ANSWER_MAX]);
