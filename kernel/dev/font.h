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

/* As many pixels as leave 160 columns and 43 rows; 0: fewer are there anyway. */
static inline u32 font_scale_usual(u32 width, u32 height)
{
	return MIN(width / (160 * FONT_WIDTH), height / (43 * FONT_HEIGHT));
}

/* How many pixels of a screen of this size make one pixel of the font, in each direction: as many
 * as leave 160 columns and 43 rows, so that text is readable on small screens with many pixels. The
 * word font_scale= on the command line overrides it, as far as 20 columns and 10 rows remain. */
u32 font_scale(u32 width, u32 height);
