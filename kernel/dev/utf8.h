/* SPDX-License-Identifier: MIT
 *
 * UTF-8 (RFC 3629), a byte at a time.
 */
#pragma once

#include "kernel/lib/base.h"

#define UTF8_INVALID 0xfffd	/* U+FFFD: shown for bytes that are no character */
#define UTF8_MORE    UINT32_MAX /* the character is not complete yet */

struct utf8 {
	u32 code;
	u32 minimum; /* what a sequence of this length must at least encode */
	u32 missing; /* bytes yet to come */
};

/* Add a byte.  Returns UTF8_MORE or a character.  `*again`: the byte broke off a sequence (for which
 * UTF8_INVALID is returned) and is to be given once more, as the beginning of the next. */
u32 utf8_next(struct utf8 *u, u8 byte, bool *again);

static inline bool utf8_is_continuation(u8 byte)
{
	return (byte & 0xc0) == 0x80;
}
