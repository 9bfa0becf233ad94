/* SPDX-License-Identifier: MIT
 *
 * UTF-8 and the width of characters.
 */
#include "kernel/dev/utf8.h"

u32 utf8_next(struct utf8 *u, u8 byte, bool *again)
{
	*again = false;
	if (u->missing) {
		if (!utf8_is_continuation(byte)) {
			u->missing = 0;
			*again = true;
			return UTF8_INVALID;
		}
		u->code = u->code << 6 | (byte & 0x3f);
		if (--u->missing)
			return UTF8_MORE;
		if (u->code < u->minimum || u->code > 0x10ffff ||
		    (u->code >= 0xd800 && u->code <= 0xdfff))
			return UTF8_INVALID;
		return u->code;
	}
	if (byte < 0x80)
		return byte;
	if (byte >= 0xc2 && byte < 0xe0)
		*u = (struct utf8){byte & 0x1f, 0x80, 1};
	else if (byte >= 0xe0 && byte < 0xf0)
		*u = (struct utf8){byte & 0x0f, 0x800, 2};
	else if (byte >= 0xf0 && byte < 0xf5)
		*u = (struct utf8){byte & 0x07, 0x10000, 3};
	else
		return UTF8_INVALID;
	return UTF8_MORE;
}

static const struct {
	u32 first, last;
	u8 width;
} ranges[] = {
    {0x300, 0x36f, 0},	   {0x1100, 0x115f, 2},	  {0x200b, 0x200f, 0},	 {0x20d0, 0x20ff, 0},
    {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},	  {0xac00, 0xd7a3, 2},	 {0xf900, 0xfaff, 2},
    {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},	  {0xfe30, 0xfe6f, 2},	 {0xfeff, 0xfeff, 0},
    {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},	  {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2},
    {0x1f900, 0x1faff, 2}, {0x20000, 0x3fffd, 2}, {0xe0100, 0xe01ef, 0},
};

u32 unicode_width(u32 code)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges) && code >= ranges[i].first; i++)
		if (code <= ranges[i].last)
			return ranges[i].width;
	return 1;
}
