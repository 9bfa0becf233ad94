/* SPDX-License-Identifier: MIT
 *
 * QR codes (ISO/IEC 18004:2015) of bytes, versions 1 to 20.  It allocates nothing and trusts no
 * pointer, so that it works in a panic.
 */
#pragma once

#include "kernel/lib/base.h"

#define QR_VERSION_MAX	 20
#define QR_SIDE(version) (17 + 4 * (version))
#define QR_SIDE_MAX	 QR_SIDE(QR_VERSION_MAX)
#define QR_BYTES_MAX	 858 /* of version 20 */

/* The most bytes that a code of this version, 1 to QR_VERSION_MAX, holds. */
u32 qr_capacity(u32 version);

/* Encode a text in the smallest version that holds it, at most `version_max`, and with the higher
 * of two levels of error correction if that costs no larger version.  Writes the squares row by row
 * to `dark`, each 0 or 1, and returns their number in a row; 0 if the text is too long.  `dark` has
 * QR_SIDE_MAX * QR_SIDE_MAX bytes.  The function uses static memory: one caller at a time. */
u32 qr_encode(u8 *dark, const char *text, size_t length, u32 version_max);
