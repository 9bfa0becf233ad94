/* SPDX-License-Identifier: MIT
 *
 * Find the bitmap of a character.
 */
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
