/* SPDX-License-Identifier: MIT
 *
 * A decoder of UTF-8 (RFC 3629) that gets one byte at a time.
 */
#pragma once

#include "kernel/lib/base.h"

#define UTF8_INVALID 0xfffd	/* U+FFFD replaces bytes that are not a character */
#define UTF8_MORE    UINT32_MAX /* the character is not complete yet */

struct utf8 {
	u32 code;
	u32 minimum; /* the lowest code that a sequence of this length may encode */
	u32 missing; /* how many bytes of the sequence have not been added yet */
};

/* Add a byte.  Returns a character, or UTF8_MORE.  *again: the byte does not belong to the sequence
 * before it, for which UTF8_INVALID is returned; the caller adds it again, as the first byte of the
 * next sequence. */
u32 utf8_next(struct utf8 *u, u8 byte, bool *again);

static inline bool utf8_is_continuation(u8 byte)
{
	return (byte & 0xc0) == 0x80;
}
