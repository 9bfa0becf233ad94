/* SPDX-License-Identifier: MIT
 *
 * printf's formats as the kernel needs them: %d %u %x %c %s %p %%, with flags "0-#", width
 * (number or *), precision (of %s), and lengths l ll z.
 */
#pragma once

#include "kernel/lib/base.h"

/* As ISO C: write at most size-1 bytes and terminate; return the length wanted. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* As snprintf(), but return the length written (at most size-1). */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
