/* SPDX-License-Identifier: MIT
 *
 * /dev/console of a kernel without terminals.
 */
#pragma once

/* Take what is typed at the consoles, unless a terminal takes it. */
void console_raw_init(void);
