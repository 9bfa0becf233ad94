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
};

extern const struct display_driver framebuffer_driver, vga_text_driver;

/* Set up the screen that boot_info.display names.  Needs mmio_map() and kmalloc(). */
void display_init(void);
