/* SPDX-License-Identifier: MIT
 *
 * What keys mean: from the codes that keyboards of every kind are translated to, to the bytes that
 * a terminal gets.
 */
#pragma once

#include "kernel/lib/base.h"

/* A key was pressed (or repeats), or was released.  `code` is its scan code of set 1 (IBM PS/2
 * technical reference) without bit 7; `extended`: it comes after 0xe0.  All keyboards share the
 * state of Shift, Ctrl, Alt and Caps Lock.  Any context. */
void key_event(u8 code, bool extended, bool pressed);

/* A keyboard has come (1) or is gone (-1).  Any context. */
void keys_keyboard(int change);
