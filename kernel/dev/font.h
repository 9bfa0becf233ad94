/* SPDX-License-Identifier: MIT
 *
 * The font of the display: bitmaps of 8x16 pixels that tools/mkfont.py makes during the build.
 */
#pragma once

#include "kernel/lib/base.h"

#define FONT_WIDTH  8
#define FONT_HEIGHT 16

struct font_glyph {
	u16 code;	      /* Unicode */
	u8 rows[FONT_HEIGHT]; /* the highest bit is the leftmost pixel */
};

/* Sorted by code.  Empty if the build found no font. */
extern const struct font_glyph font_table[];
extern const u32 font_count;

/* The bitmap of `code`, or of the replacement character.  The font must not be empty. */
const u8 *font_find(u16 code);
