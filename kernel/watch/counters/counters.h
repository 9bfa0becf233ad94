/* SPDX-License-Identifier: MIT
 *
 * The files of /proc/heddle that show the kernel's counters.
 */
#pragma once

void counters_init(void);
