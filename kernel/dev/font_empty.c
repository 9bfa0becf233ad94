/* SPDX-License-Identifier: MIT
 *
 * The font of an image that is linked without a generated one.  In a file of its own, so that no
 * compiler draws conclusions from its size.
 */
#include "kernel/dev/font.h"

const struct font_glyph font_table[1] __attribute__((weak)) = {{0, {0}}};
const u32 font_count __attribute__((weak)) = 0;
