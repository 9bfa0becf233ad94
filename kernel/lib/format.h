/* SPDX-License-Identifier: MIT
 *
 * Formatted output with the formats that the kernel needs: %d %u %o %x %c %s %p %%, with flags "0-#",
 * width (number or *), precision (of %s), and lengths l ll z.
 */
#pragma once

#include "kernel/lib/base.h"

/* As in ISO C: write at most size-1 bytes and a NUL.  Return the length of the whole text. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Like snprintf(), but return the length that was written (at most size-1). */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
