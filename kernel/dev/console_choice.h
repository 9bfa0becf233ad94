/* SPDX-License-Identifier: MIT
 *
 * Which consoles the log goes to, and which of these programs write to.
 */
#pragma once

#include "kernel/lib/base.h"

/* Choose, after all consoles have been registered.  The log goes to the consoles that console=
 * names, and to all without console=, or if no console of those names exists.  Programs write to
 * the consoles that are named; if none is, to the display, or to the port if there is no display.
 * Returns the size, in characters, of the console that a person looks at: the one that the last
 * console= names, else the display; without any, 80x24.  At bring-up only. */
void console_choose(u32 *columns, u32 *rows);
