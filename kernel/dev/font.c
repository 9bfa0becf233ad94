/* SPDX-License-Identifier: MIT
 *
 * Find the bitmap of a character, and its size on the screen.
 */
#include "boot/cmdline.h"
#include "kernel/dev/font.h"

const u8 *font_find(u16 code)
{
	u32 low = 0, high = font_count;

	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (font_table[middle].code <= code)
			low = middle;
		else
			high = middle;
	}
	/* U+FFFD, the replacement character, has the highest code and is the last entry. */
	return font_table[font_table[low].code == code ? low : font_count - 1].rows;
}

u32 font_scale(u32 width, u32 height)
{
	u32 most = MIN(width / (20 * FONT_WIDTH), height / (10 * FONT_HEIGHT));
	u64 wanted = cmdline_get_u64("font_scale", font_scale_usual(width, height));

	return (u32)MAX(MIN(wanted, (u64)most), 1UL);
}
