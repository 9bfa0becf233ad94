/* SPDX-License-Identifier: MIT
 *
 * What the display needs of a kind of screen.
 */
#pragma once

#include "kernel/dev/vt.h"

struct display_driver {
	const char *name;
	/* Make it ready; its size in characters.  False: it cannot be used (logged). */
	bool (*open)(u32 *columns, u32 *rows);
	/* Draw a cell; VT_CURSOR in its flags: with the cursor on it.  Under the display's lock. */
	void (*draw)(u32 column, u32 row, struct vt_cell cell);
};

extern const struct display_driver framebuffer_driver, vga_text_driver;

/* Framebuffer or VGA text by boot_info.display, once mmio_map() and kmalloc() work. */
void display_init(void);
