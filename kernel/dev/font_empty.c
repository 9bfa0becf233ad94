/* SPDX-License-Identifier: MIT
 *
 * The font of a kernel that is linked without a generated font.  It has a file of its own, because
 * a compiler that sees these weak definitions could assume their size and values.
 */
#include "kernel/dev/font.h"

const struct font_glyph font_table[1] __attribute__((weak)) = {{0, {0}}};
const u32 font_count __attribute__((weak)) = 0;
