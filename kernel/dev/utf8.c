/* SPDX-License-Identifier: MIT
 *
 * Decode UTF-8.
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
