/* SPDX-License-Identifier: MIT
 *
 * /dev/console of a kernel without terminals.
 */
#pragma once

/* Connect /dev/console to the input of the consoles, unless a terminal is connected already. */
void console_raw_init(void);
